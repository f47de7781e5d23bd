package io.github.countersign

import java.time.Instant

/** The clock of this device. */
public object SystemClock : Clock {
    /** The present moment. */
    override fun now(): Instant = Instant.now()
}
