package io.github.countersign.android.scan

import android.view.SurfaceHolder
import android.view.SurfaceView
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.unit.dp
import androidx.compose.ui.viewinterop.AndroidView
import io.github.countersign.Sentence
import io.github.countersign.android.look.Notice
import io.github.countersign.android.look.WideOutlined
import io.github.countersign.android.look.margin
import io.github.countersign.android.words.Told

/** What the camera sees, until there is a code in it. */
@Composable
fun ScanScreen(open: () -> QrCamera, found: (String) -> Unit, failed: () -> Unit, cancel: () -> Unit) {
    val camera = remember { open() }
    DisposableEffect(camera) { onDispose { camera.stop() } }
    Column(Modifier.fillMaxSize().padding(margin), Arrangement.spacedBy(16.dp)) {
        AndroidView(
            { context -> SurfaceView(context).apply { holder.addCallback(Begin(camera, found, failed)) } },
            Modifier.weight(1f).fillMaxWidth().testTag("camera"),
        )
        Notice(Told(Sentence.APP_SCAN_HOLD))
        WideOutlined(Sentence.APP_CANCEL, onClick = cancel)
    }
}

private class Begin(private val camera: QrCamera, private val found: (String) -> Unit, private val failed: () -> Unit) :
    SurfaceHolder.Callback {
    override fun surfaceCreated(holder: SurfaceHolder) {
        holder.setFixedSize(1280, 720)
        camera.start(holder.surface, found, failed)
    }

    override fun surfaceChanged(holder: SurfaceHolder, format: Int, width: Int, height: Int) = Unit

    override fun surfaceDestroyed(holder: SurfaceHolder) = camera.stop()
}
