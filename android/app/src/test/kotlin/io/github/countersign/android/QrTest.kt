package io.github.countersign.android

import android.graphics.Bitmap
import android.graphics.Color
import com.google.zxing.BarcodeFormat
import com.google.zxing.common.BitMatrix
import com.google.zxing.qrcode.QRCodeWriter
import io.github.countersign.android.scan.Frame
import io.github.countersign.android.scan.textIn
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

private const val SIDE = 300
private const val STRIDE = 320

/** Codes in the frames of a camera, and in pictures. */
@RunWith(RobolectricTestRunner::class)
class QrTest {
    private val link = "https://login.example/enrol#t=" + "A".repeat(43) + "&k=" + "B".repeat(43)
    private val code: BitMatrix = QRCodeWriter().encode(link, BarcodeFormat.QR_CODE, SIDE, SIDE)

    private fun frame(isBlack: (Int, Int) -> Boolean) = Frame(
        ByteArray(STRIDE * SIDE) {
            if (it % STRIDE < SIDE &&
                isBlack(it % STRIDE, it / STRIDE)
            ) {
                20
            } else {
                230.toByte()
            }
        },
        STRIDE,
        SIDE,
        SIDE,
    )

    private fun picture(black: Int, white: Int): Bitmap {
        val pixels = IntArray(SIDE * SIDE) { if (code[it % SIDE, it / SIDE]) black else white }
        return Bitmap.createBitmap(pixels, SIDE, SIDE, Bitmap.Config.ARGB_8888)
    }

    @Test
    fun aFrameIsReadHoweverThePhoneIsHeld() {
        assertEquals(link, textIn(frame { x, y -> code[x, y] }))
        assertEquals(link, textIn(frame { x, y -> code[y, SIDE - 1 - x] }))
        assertEquals(link, textIn(frame { x, y -> code[SIDE - 1 - x, SIDE - 1 - y] }))
    }

    @Test
    fun aFrameWithoutACodeIsNone() {
        assertNull(textIn(frame { _, _ -> false }))
        assertNull(textIn(frame { x, y -> (x * 7 + y * 13) % 5 == 0 }))
    }

    @Test
    fun aPictureIsReadAlsoInWhiteOnBlack() {
        assertEquals(link, textIn(picture(Color.BLACK, Color.WHITE)))
        assertEquals(link, textIn(picture(Color.WHITE, Color.BLACK)))
        assertNull(textIn(Bitmap.createBitmap(40, 40, Bitmap.Config.ARGB_8888)))
    }
}
