package io.github.countersign.android

import android.graphics.Bitmap
import androidx.compose.ui.graphics.asAndroidBitmap
import androidx.compose.ui.test.captureToImage
import androidx.compose.ui.test.junit4.ComposeTestRule
import androidx.compose.ui.test.onRoot
import org.junit.Assert.assertTrue
import java.io.File

/** Where pictures of screens are written, to be looked at. */
val pictures: File = File(System.getProperty("countersign.android"), "build/pictures").apply { mkdirs() }

/** Writes a picture of what is drawn; a blank one is a failure. */
fun picture(name: String, rule: ComposeTestRule): Bitmap {
    val bitmap = rule.onRoot().captureToImage().asAndroidBitmap()
    File(pictures, "$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }
    val colours = (0 until bitmap.height step 7).flatMap { y ->
        (0 until bitmap.width step 7).map { bitmap.getPixel(it, y) }
    }.distinct()
    assertTrue("$name is drawn", colours.size > 8)
    return bitmap
}
