package io.github.countersign.android.scenarios

import org.junit.Assert.assertEquals
import org.junit.Test

/** What is left out is in the table, and has its reason. */
class ScenariosLeftOutTest {
    @Test
    fun eachIsInTheTableAndHasAReason() {
        assertEquals(emptySet<String>(), otherwise.keys - names.toSet())
        assertEquals(emptyList<String>(), otherwise.filterValues { it.length < 40 }.keys.toList())
    }
}
