package io.github.countersign

import java.time.Instant

/** The clock of this device. */
public object SystemClock : Clock {
    /** The present moment. May be called from any thread, from several at once; it never blocks and never throws. */
    override fun now(): Instant = Instant.now()
}
