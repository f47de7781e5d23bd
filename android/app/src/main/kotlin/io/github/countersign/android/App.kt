package io.github.countersign.android

import android.app.Application
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import io.github.countersign.android.notices.PullJob
import io.github.countersign.android.push.PushWay

/** The app. Each flavour has its own, which brings the way that pushes come. */
abstract class App : Application() {
    /** What the app is made of. Set anew by tests alone, before anything is opened. */
    var parts: Parts = Parts(this, ::pushWay)

    /** How pushes come in this flavour. */
    protected abstract fun pushWay(parts: Parts): PushWay

    override fun onCreate() {
        super.onCreate()
        begin()
    }

    /** What is done each time the process starts. */
    fun begin() {
        parts.notices.begin()
        PullJob.schedule(this)
        parts.push.begin()
        registerReceiver(Unlocked(), IntentFilter(Intent.ACTION_USER_PRESENT))
    }

    /** Once the phone is unlocked, what its lock screen did not say may be said. */
    private class Unlocked : BroadcastReceiver() {
        override fun onReceive(context: Context, intent: Intent) {
            val parts = (context.applicationContext as App).parts
            parts.inBackground({}) { if (parts.notices.shown().isNotEmpty()) parts.arrivals.showAll() }
        }
    }
}
