package io.github.countersign.android

import android.Manifest.permission.CAMERA
import android.Manifest.permission.POST_NOTIFICATIONS
import android.app.KeyguardManager
import android.content.Intent
import android.graphics.BitmapFactory
import android.net.Uri
import android.os.Build.VERSION.SDK_INT
import android.os.Bundle
import android.view.WindowManager.LayoutParams.FLAG_SECURE
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts
import androidx.activity.result.contract.ActivityResultContracts.CreateDocument
import androidx.activity.result.contract.ActivityResultContracts.OpenMultipleDocuments
import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia
import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.lifecycleScope
import androidx.lifecycle.viewmodel.initializer
import androidx.lifecycle.viewmodel.viewModelFactory
import io.github.countersign.Sentence
import io.github.countersign.android.add.ChosenFiles
import io.github.countersign.android.navigation.Place
import io.github.countersign.android.navigation.entryOf
import io.github.countersign.android.navigation.showsSecrets
import io.github.countersign.android.platform.Awaited
import io.github.countersign.android.platform.CredentialAsker
import io.github.countersign.android.platform.SystemScreens
import io.github.countersign.android.scan.textIn
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.io.IOException

private const val PLACES = "places"
private const val FILES = "files"
private const val FILES_NOT_READ = "files not read"
private const val JSON = "application/json"

/** The one activity: every screen is in it, and everything that only an activity may ask of the system. */
class MainActivity :
    ComponentActivity(),
    CredentialAsker,
    SystemScreens {
    private lateinit var session: Session
    private val parts: Parts get() = (application as App).parts
    private val credential = Awaited()

    private val askCredential =
        registerForActivityResult(ActivityResultContracts.StartActivityForResult()) {
            credential.give(it.resultCode == RESULT_OK)
        }
    private val askNotifications =
        registerForActivityResult(ActivityResultContracts.RequestPermission()) { session.settings().look() }
    private val askCamera = registerForActivityResult(ActivityResultContracts.RequestPermission(), ::cameraAnswered)
    private val choosePicture = registerForActivityResult(PickVisualMedia()) { picture -> picture?.let(::readPicture) }
    private val chooseFile =
        registerForActivityResult(OpenMultipleDocuments()) { files -> session.takeFiles(files.map(Uri::toString)) }
    private val createDocument = registerForActivityResult(CreateDocument(JSON)) { session.writeExport(it?.toString()) }

    override fun onCreate(savedInstanceState: Bundle?) {
        enableEdgeToEdge()
        super.onCreate(savedInstanceState)
        val restored = savedInstanceState?.getStringArrayList(PLACES).orEmpty()
        val files = savedInstanceState?.let(::filesIn) ?: ChosenFiles.none
        val factory = viewModelFactory { initializer { Session(parts, restored, files) } }
        session = ViewModelProvider(this, factory)[Session::class.java]
        // What the phone restores was entered already.
        if (savedInstanceState == null) enter(intent)
        lifecycleScope.launch { session.navigator.places.collect(::showPlaces) }
        setContent { Screens(parts, session, this) }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        setIntent(intent)
        enter(intent)
    }

    override fun onStart() {
        super.onStart()
        parts.systemPrompt.onScreen = this
        session.settings().look()
        session.listen()
    }

    override fun onStop() {
        session.stopListening()
        if (parts.systemPrompt.onScreen === this) parts.systemPrompt.onScreen = null
        if (!isChangingConfigurations) parts.lock.close()
        super.onStop()
    }

    override fun onSaveInstanceState(outState: Bundle) {
        super.onSaveInstanceState(outState)
        outState.putStringArrayList(PLACES, ArrayList(session.navigator.saved()))
        // Where they are, and nothing of what is in them.
        val files = session.add.chosen
        outState.putStringArrayList(FILES, ArrayList(files.documents))
        outState.putInt(FILES_NOT_READ, files.notRead)
    }

    private fun filesIn(saved: Bundle) =
        ChosenFiles(saved.getStringArrayList(FILES).orEmpty(), saved.getInt(FILES_NOT_READ))

    private fun enter(intent: Intent?) {
        // An activity that is started anew from the list of recent ones brings its old intent along.
        if (intent != null && intent.flags and Intent.FLAG_ACTIVITY_LAUNCHED_FROM_HISTORY != 0) return
        session.enter(entryOf(intent))
    }

    private fun showPlaces(places: List<Place>) {
        if (places.last().showsSecrets()) window.addFlags(FLAG_SECURE) else window.clearFlags(FLAG_SECURE)
        session.tidy(places)
    }

    // --- what only an activity may ask ---

    override suspend fun ask(title: String): Boolean {
        @Suppress("DEPRECATION") // Its successor is the dialogue of Android 11, which is used where it is there.
        val screen =
            getSystemService(KeyguardManager::class.java).createConfirmDeviceCredentialIntent(title, null)
                ?: return false
        return credential.answer { askCredential.launch(screen) }
    }

    override fun allowNotifications() {
        val mayAsk =
            SDK_INT >= 33 &&
                (
                    shouldShowRequestPermissionRationale(POST_NOTIFICATIONS) ||
                        !parts.settings.choices.value.wasAskedForNotifications
                    )
        parts.settings.change { it.copy(wasAskedForNotifications = true) }
        // Who has refused twice is not asked again by the system: its settings are the way back.
        if (mayAsk) askNotifications.launch(POST_NOTIFICATIONS) else open(notificationSettings(packageName))
    }

    override fun scan() = askCamera.launch(CAMERA)

    override fun choosePicture() = choosePicture.launch(PickVisualMediaRequest(PickVisualMedia.ImageOnly))

    // Exports of codes come under many types, and some under none: the library knows what it can read.
    override fun chooseFile() = launching { chooseFile.launch(arrayOf("*/*")) }

    override fun createDocument(name: String) = launching { createDocument.launch(name) }

    /** Opens the system's chooser of documents, which a phone may lack. */
    private fun launching(launch: () -> Unit) {
        try {
            launch()
        } catch (_: android.content.ActivityNotFoundException) {
            session.noDocuments()
        }
    }

    override fun open(screen: Intent) {
        try {
            startActivity(screen)
        } catch (_: android.content.ActivityNotFoundException) {
            startActivity(Intent(android.provider.Settings.ACTION_SETTINGS))
        }
    }

    private fun cameraAnswered(isAllowed: Boolean) {
        if (isAllowed) session.navigator.go(Place.Scan) else session.add.say(Sentence.APP_CAMERA_REFUSED)
    }

    private fun readPicture(picture: Uri) {
        lifecycleScope.launch {
            val text =
                withContext(Dispatchers.IO) {
                    try {
                        contentResolver.openInputStream(picture)?.use(BitmapFactory::decodeStream)?.let(::textIn)
                    } catch (_: IOException) {
                        null
                    }
                }
            if (text == null) session.add.say(Sentence.APP_SCAN_NONE) else session.add.take(text)
        }
    }
}
