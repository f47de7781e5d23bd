package io.github.countersign.samples

class Samples
