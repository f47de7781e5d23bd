package io.github.countersign.android.platform

import android.annotation.SuppressLint
import android.content.Intent
import android.net.Uri
import android.provider.Settings

/** The system's own screens and questions, which only an activity can show. */
interface SystemScreens {
    /** Asks whether notifications may be shown; where that was refused before, opens the settings of them. */
    fun allowNotifications()

    /** Asks whether the camera may be used, and goes there. */
    fun scan()

    /** Lets the person choose a picture with a code. */
    fun choosePicture()

    /** Lets the person choose a file of codes, which is then taken. */
    fun chooseFile()

    /** Lets the person choose where a document of this name is made; it is then written. */
    fun createDocument(name: String)

    /** Opens a screen of the system, or its settings where it does not have that one. */
    fun open(screen: Intent)

    /** Where the system has the notifications of an app. */
    fun notificationSettings(app: String): Intent =
        Intent(Settings.ACTION_APP_NOTIFICATION_SETTINGS).putExtra(Settings.EXTRA_APP_PACKAGE, app)

    /** Where a screen lock is set. */
    fun screenLockSettings(): Intent = Intent(Settings.ACTION_SECURITY_SETTINGS)

    /** Where the system asks whether an app may work in the background. An authenticator is one that may ask. */
    @SuppressLint("BatteryLife")
    fun batterySettings(app: String): Intent =
        Intent(Settings.ACTION_REQUEST_IGNORE_BATTERY_OPTIMIZATIONS, Uri.fromParts("package", app, null))
}
