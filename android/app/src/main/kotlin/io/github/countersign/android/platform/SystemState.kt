package io.github.countersign.android.platform

import android.content.Context
import android.os.Build
import android.os.PowerManager
import io.github.countersign.android.notices.Notices

/** What the system says of itself and of the app. */
interface SystemState {
    /** True when notifications of requests are shown. */
    fun areNotificationsAllowed(): Boolean

    /** True when the system does not hold the app back to save the battery. */
    fun isBatteryExempt(): Boolean

    /** Versions and states, a line each; nothing that names a person. */
    fun diagnostics(): List<String>
}

/** The phone's. */
class PhoneState(private val context: Context, private val notices: Notices) : SystemState {
    private val power = context.getSystemService(PowerManager::class.java)

    override fun areNotificationsAllowed(): Boolean = notices.areAllowed()

    override fun isBatteryExempt(): Boolean = power.isIgnoringBatteryOptimizations(context.packageName)

    override fun diagnostics(): List<String> {
        val version = context.packageManager.getPackageInfo(context.packageName, 0).versionName
        return listOf(
            "app: $version",
            "android: ${Build.VERSION.RELEASE} (${Build.VERSION.SDK_INT}), patch ${Build.VERSION.SECURITY_PATCH}",
            "phone: ${Build.MANUFACTURER} ${Build.MODEL}",
            "notifications: ${areNotificationsAllowed()}",
            "battery exempt: ${isBatteryExempt()}",
        )
    }
}
