package io.github.countersign.android.scan

import android.graphics.Bitmap
import com.google.zxing.BinaryBitmap
import com.google.zxing.DecodeHintType
import com.google.zxing.LuminanceSource
import com.google.zxing.PlanarYUVLuminanceSource
import com.google.zxing.RGBLuminanceSource
import com.google.zxing.ReaderException
import com.google.zxing.common.HybridBinarizer
import com.google.zxing.qrcode.QRCodeReader

/** A frame of a camera: its brightness (the Y plane of YUV_420_888), rows of `stride` bytes. */
class Frame(val brightness: ByteArray, val stride: Int, val width: Int, val height: Int)

/** The text of the QR code in a frame; null when there is none. The code may be turned any way. */
fun textIn(frame: Frame): String? =
    decoded(frame.run { PlanarYUVLuminanceSource(brightness, stride, height, 0, 0, width, height, false) })

/** The text of the QR code in a picture; null when there is none. Also of one in white on black. */
fun textIn(picture: Bitmap): String? {
    val pixels = IntArray(picture.width * picture.height)
    picture.getPixels(pixels, 0, picture.width, 0, 0, picture.width, picture.height)
    val source = RGBLuminanceSource(picture.width, picture.height, pixels)
    return decoded(source) ?: decoded(source.invert())
}

private fun decoded(source: LuminanceSource): String? = try {
    QRCodeReader().decode(BinaryBitmap(HybridBinarizer(source)), mapOf(DecodeHintType.TRY_HARDER to true)).text
} catch (_: ReaderException) {
    null
}
