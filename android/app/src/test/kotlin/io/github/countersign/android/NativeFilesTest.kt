package io.github.countersign.android

import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.ByteArrayOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Files

private const val CALLED = "ffi_countersign_bindings_uniffi_contract_version"
private const val TABLES = 0x1000

/** The checks of `toolchain/native`, which runs where there is an NDK, on files that are made up. */
class NativeFilesTest {
    private val folder = Files.createTempDirectory("countersign-elf").toFile()
    private val stubs = File(folder, "stubs").apply { mkdirs() }
    private val calls = File(folder, "calls").apply { mkdirs() }
    private val good = MadeUp()

    init {
        val oldest = MadeUp(symbols = listOf(Symbol("malloc"), Symbol("free")))
        File(stubs, "libc.so").writeBytes(oldest.bytes())
        File(stubs, "libz.so").writeBytes(MadeUp(symbols = listOf(Symbol("inflate"))).bytes())
        File(calls, "library.kt").writeText("external fun $CALLED(): Int\n")
    }

    private fun said(bytes: ByteArray, abi: String = "arm64-v8a"): Pair<Int, String> {
        val file = File(folder, "library.so").apply { writeBytes(bytes) }
        val check = File(System.getProperty("countersign.android"), "toolchain/check_elf.py").path
        val command = listOf("python3", check, file.path, abi, "--stubs", stubs.path, "--calls", calls.path)
        val process = ProcessBuilder(command).redirectErrorStream(true).start()
        val text = process.inputStream.bufferedReader().readText()
        return process.waitFor() to text
    }

    @Test
    fun whatIsAsItShouldBePassesForEachProcessor() {
        for ((abi, file) in mapOf(
            "arm64-v8a" to good,
            "armeabi-v7a" to good.copy(bits = 32, machine = 40),
            "x86_64" to good.copy(machine = 62),
        )) {
            assertEquals(0 to "$abi: ${file.bytes().size} bytes\n", said(file.bytes(), abi))
        }
        // Also bound at once in the older ways, with larger pages, and with what may be missing.
        val others = listOf(
            good.copy(dynamic = listOf(24L to 0L)),
            good.copy(dynamic = listOf(30L to 8L)),
            good.copy(align = 0x10000),
            good.copy(symbols = good.symbols + Symbol("gettid_by_and_by", isHere = false, isWeak = true)),
        )
        for (other in others) assertEquals("$other", 0, said(other.bytes()).first)
    }

    @Test
    fun whatIsNotIsRefusedInWords() {
        val bad = mapOf(
            "it is for another processor: 64 bits, number 62" to good.copy(machine = 62),
            "it is for another processor: 32 bits, number 40" to good.copy(bits = 32, machine = 40),
            "it is no shared library" to good.copy(kind = 2),
            "a segment is aligned to 0x1000, and not to pages of 16 KB" to good.copy(align = 0x1000),
            "a segment is aligned to 0x4000, and not to pages of 16 KB" to good.copy(shift = 0x1000),
            "a segment can be both written and run" to good.copy(flags = 7),
            "its stack can be run" to good.copy(stack = 7),
            "its stack can be run " to good.copy(stack = null),
            "its tables stay writable (no RELRO)" to good.copy(isRelro = false),
            "it is not bound at once (no BIND_NOW)" to good.copy(dynamic = emptyList()),
            "its code would be changed while it is loaded" to good.copy(dynamic = good.dynamic + (22L to 0L)),
            "its code would be changed while it is loaded (" to good.copy(dynamic = good.dynamic + (30L to 4L)),
            "it needs libssl.so, which is not on every phone" to good.copy(needed = listOf("libc.so", "libssl.so")),
            "it takes memfd_create from outside" to
                good.copy(symbols = good.symbols + Symbol("memfd_create", isHere = false)),
            // The NDK has it, and nothing says that it is to be loaded.
            "it takes inflate from outside" to good.copy(symbols = good.symbols + Symbol("inflate", isHere = false)),
            "it lacks $CALLED, which the bindings call" to good.copy(
                symbols = listOf(Symbol("malloc", isHere = false)),
            ),
            "it has no table of symbols" to good.copy(symbols = emptyList()),
        )
        for ((words, file) in bad) {
            val (code, text) = said(file.bytes())
            assertEquals("$words: $text", 1, code)
            assertTrue("$words: $text", words.trim() in text)
        }
    }

    @Test
    fun whatIsCutShortOrSomethingElseIsRefusedAndNotBelieved() {
        val whole = good.bytes()
        val lengths = listOf(0, 3, 20, 64, 200, TABLES + 10, whole.size - 1)
        for (length in lengths) {
            val (code, text) = said(whole.copyOf(length))
            assertEquals("$length: $text", 1, code)
            assertTrue("$length: $text", text.startsWith("arm64-v8a: it cannot be read: "))
        }
        assertEquals(1, said("#!/bin/sh\n".toByteArray()).first)
    }

    @Test
    fun theLibraryOfThisMachineIsNoneForAPhone() {
        val library = File(System.getProperty("jna.library.path"), "libcountersign_bindings.so")
        val (code, text) = said(library.readBytes(), "x86_64")
        assertEquals(1, code)
        assertTrue(text, "it needs libc.so.6, which is not on every phone" in text || "another processor" in text)
    }
}

/** A symbol that a file has, or takes from outside. */
private data class Symbol(val name: String, val isHere: Boolean = true, val isWeak: Boolean = false)

/** A shared library with nothing in it but what is checked: its headers, and at [TABLES] its tables. */
private data class MadeUp(
    val bits: Int = 64,
    val machine: Int = 183,
    val kind: Int = 3,
    val align: Int = 0x4000,
    /** How much further than in the file it is loaded. */
    val shift: Int = 0,
    val flags: Int = 5,
    val stack: Int? = 6,
    val isRelro: Boolean = true,
    val needed: List<String> = listOf("libc.so", "libm.so"),
    val dynamic: List<Pair<Long, Long>> = listOf(0x6FFFFFFBL to 1L),
    val symbols: List<Symbol> = listOf(Symbol(CALLED), Symbol("malloc", isHere = false)),
) {
    private val isWide get() = bits == 64
    private val word get() = bits / 8

    fun bytes(): ByteArray {
        val texts = ByteArrayOutputStream().apply { write(0) }
        val place = { text: String -> texts.size().also { texts.write(text.toByteArray() + 0) } }
        val entries = needed.map { 1L to place(it).toLong() }
        val names = symbols.map { place(it.name) }
        val strings = texts.toByteArray()
        val table = TABLES + (strings.size + 7) / 8 * 8
        val symbolSize = if (isWide) 24 else 16
        val tags = entries + dynamic + listOf(5L to (TABLES + shift).toLong(), 0L to 0L)
        val tagsAt = table + symbols.size * symbolSize
        val sectionsAt = tagsAt + tags.size * 2 * word
        val sectionSize = if (isWide) 64 else 40
        val size = sectionsAt + sectionSize
        val made = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN)
        made.position(TABLES)
        made.put(strings)
        made.position(table)
        symbols.zip(names).forEach { (symbol, name) -> made.symbol(symbol, name) }
        tags.forEach { (tag, value) -> made.word(tag).word(value) }
        made.putInt(0).putInt(11).word(0).word(0).word(table.toLong()).word(symbols.size.toLong() * symbolSize)
        made.position(0)
        made.header(sectionsAt, segments(size, tagsAt, tags.size * 2 * word))
        return made.array()
    }

    private class Segment(val kind: Int, val flags: Int, val offset: Int, val size: Int, val align: Int)

    private fun segments(size: Int, tagsAt: Int, tagsSize: Int) = listOfNotNull(
        Segment(1, flags, 0, size, align),
        Segment(2, 6, tagsAt, tagsSize, 8),
        stack?.let { Segment(0x6474E551, it, 0, 0, 16) },
        Segment(0x6474E552, 4, 0, size, 1).takeIf { isRelro },
    )

    private fun ByteBuffer.word(value: Long): ByteBuffer = if (isWide) putLong(value) else putInt(value.toInt())

    private fun ByteBuffer.symbol(symbol: Symbol, name: Int) {
        val info = ((if (symbol.isWeak) 2 else 1) shl 4).toByte()
        val index = (if (symbol.isHere) 1 else 0).toShort()
        putInt(name)
        if (isWide) put(info).put(0).putShort(index).putLong(0).putLong(0)
        if (!isWide) putInt(0).putInt(0).put(info).put(0).putShort(index)
    }

    private fun ByteBuffer.header(sectionsAt: Int, segments: List<Segment>) {
        val (own, segment, section) = if (isWide) Triple(64, 56, 64) else Triple(52, 32, 40)
        put(byteArrayOf(0x7F, 'E'.code.toByte(), 'L'.code.toByte(), 'F'.code.toByte(), (bits / 32).toByte(), 1, 1))
        position(16)
        putShort(kind.toShort()).putShort(machine.toShort()).putInt(1)
        word(0).word(own.toLong()).word(sectionsAt.toLong()).putInt(0).putShort(own.toShort())
        putShort(segment.toShort()).putShort(segments.size.toShort()).putShort(section.toShort()).putShort(1)
        position(own)
        for (one in segments) {
            putInt(one.kind)
            if (isWide) putInt(one.flags)
            word(one.offset.toLong()).word((one.offset + shift).toLong()).word((one.offset + shift).toLong())
            word(one.size.toLong()).word(one.size.toLong())
            if (!isWide) putInt(one.flags)
            word(one.align.toLong())
        }
    }
}
