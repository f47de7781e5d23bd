package io.github.countersign.scenarios

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.TestInstance

/** A class of tests that has a world of its own for each test. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class WorldTest {
    private val program = WorldProgram()

    @AfterAll
    fun endProgram() = program.close()

    protected fun inWorld(test: suspend CoroutineScope.(World, RelyingParty) -> Unit): Unit = runBlocking {
        val world = program.begin()
        try {
            test(world, RelyingParty(world))
        } finally {
            world.end()
        }
    }
}
