package io.github.countersign.android.notices

import android.app.job.JobInfo
import android.app.job.JobParameters
import android.app.job.JobScheduler
import android.app.job.JobService
import android.content.BroadcastReceiver
import android.content.ComponentName
import android.content.Context
import android.content.Intent
import io.github.countersign.android.App
import java.time.Duration

private const val PERIODIC = 1
private const val SOON = 2

/** Asks the servers by itself: each quarter of an hour, and once soon when something was missed. */
class PullJob : JobService() {
    override fun onStartJob(job: JobParameters): Boolean {
        val parts = (application as App).parts
        parts.inBackground({ jobFinished(job, false) }) {
            parts.arrivals.pullAll()
            parts.arrivals.showAll()
        }
        return true
    }

    // What was cut is done at the next time.
    override fun onStopJob(job: JobParameters): Boolean = true

    internal companion object {
        /** Has the system ask each quarter of an hour, its shortest period, also after the phone was started anew. */
        fun schedule(context: Context) {
            val job = jobOf(context, PERIODIC).setPeriodic(Duration.ofMinutes(15).toMillis()).setPersisted(true).build()
            context.getSystemService(JobScheduler::class.java).schedule(job)
        }

        /** Asks as soon as there is a network. */
        fun soon(context: Context) {
            context.getSystemService(JobScheduler::class.java).schedule(jobOf(context, SOON).build())
        }

        private fun jobOf(context: Context, id: Int) = JobInfo.Builder(
            id,
            ComponentName(context, PullJob::class.java),
        ).setRequiredNetworkType(JobInfo.NETWORK_TYPE_ANY)
    }
}

/** After the phone started, or the app was renewed: notifications are gone then, and pushes may have been missed. */
class BootReceiver : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        if (intent.action != Intent.ACTION_BOOT_COMPLETED && intent.action != Intent.ACTION_MY_PACKAGE_REPLACED) return
        val parts = (context.applicationContext as App).parts
        PullJob.schedule(context)
        PullJob.soon(context)
        val result = goAsync()
        parts.inBackground({ result?.finish() }) { parts.arrivals.showAll() }
    }
}
