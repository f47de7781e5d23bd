package io.github.countersign.android.scan

import android.annotation.SuppressLint
import android.content.Context
import android.graphics.ImageFormat
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.media.Image
import android.media.ImageReader
import android.os.Handler
import android.os.HandlerThread
import android.view.Surface

/** The size of the frames: small enough to be read twenty times a second, large enough for a code on a screen. */
private const val WIDTH = 1280
private const val HEIGHT = 720

/** A camera that looks for QR codes. */
interface QrCamera {
    /** Shows what it sees on a surface, and calls `found` once with the first code's text, or `failed`. */
    fun start(surface: Surface, found: (String) -> Unit, failed: () -> Unit)

    /** Lets the camera go. */
    fun stop()
}

/** The camera at the back of the phone. Used once. */
class BackCamera(context: Context) : QrCamera {
    private val cameras = context.getSystemService(CameraManager::class.java)
    private val thread = HandlerThread("camera").apply { start() }
    private val handler = Handler(thread.looper)
    private val reader = ImageReader.newInstance(WIDTH, HEIGHT, ImageFormat.YUV_420_888, 2)
    private var device: CameraDevice? = null
    private var isOver = false

    // The caller has asked for the permission; without it the system throws what is caught here.
    @SuppressLint("MissingPermission")
    override fun start(surface: Surface, found: (String) -> Unit, failed: () -> Unit) {
        reader.setOnImageAvailableListener({ look(it, found) }, handler)
        try {
            val back =
                cameras.cameraIdList.firstOrNull(::isAtTheBack) ?: cameras.cameraIdList.firstOrNull() ?: return failed()
            cameras.openCamera(back, Opened(surface, failed), handler)
        } catch (_: CameraAccessException) {
            failed()
        } catch (_: SecurityException) {
            failed()
        }
    }

    override fun stop() {
        handler.post {
            isOver = true
            device?.close()
            reader.close()
            thread.quitSafely()
        }
    }

    private fun isAtTheBack(id: String) = cameras.getCameraCharacteristics(id).get(CameraCharacteristics.LENS_FACING) ==
        CameraCharacteristics.LENS_FACING_BACK

    private fun look(reader: ImageReader, found: (String) -> Unit) {
        val text = reader.acquireLatestImage()?.use { if (isOver) null else textIn(frameOf(it)) } ?: return
        isOver = true
        found(text)
    }

    private inner class Opened(private val surface: Surface, private val failed: () -> Unit) :
        CameraDevice.StateCallback() {
        override fun onOpened(camera: CameraDevice) {
            if (isOver) return camera.close()
            device = camera
            val request = camera.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
            request.addTarget(surface)
            request.addTarget(reader.surface)
            request.set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE)
            // The later form of this call needs Android 9.
            @Suppress("DEPRECATION")
            camera.createCaptureSession(listOf(surface, reader.surface), Configured(request.build(), failed), handler)
        }

        override fun onDisconnected(camera: CameraDevice) = camera.close()

        override fun onError(camera: CameraDevice, error: Int) {
            camera.close()
            failed()
        }
    }

    private inner class Configured(private val request: CaptureRequest, private val failed: () -> Unit) :
        CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) {
            session.setRepeatingRequest(request, null, handler)
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = failed()
    }
}

private fun frameOf(image: Image): Frame {
    val plane = image.planes[0]
    val bytes = ByteArray(plane.buffer.remaining())
    plane.buffer.get(bytes)
    // The last row may end at its last pixel, where the others go on to the stride.
    val whole = if (bytes.size < plane.rowStride * image.height) bytes.copyOf(plane.rowStride * image.height) else bytes
    return Frame(whole, plane.rowStride, image.width, image.height)
}
