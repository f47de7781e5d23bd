// For Android Studio. Gradle was never run where this app is built and tested; README.md says what that means.
plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.compose)
}

val root: File = rootDir.parentFile
val generated: Provider<Directory> = layout.buildDirectory.dir("generated/countersign")

android {
    namespace = "io.github.countersign.android"
    compileSdk = libs.versions.compile.sdk.get().toInt()

    defaultConfig {
        applicationId = "io.github.countersign.android"
        minSdk = libs.versions.min.sdk.get().toInt()
        targetSdk = libs.versions.target.sdk.get().toInt()
        versionCode = 1
        versionName = "0.1.0"
        // The host whose links Android verifies; its server must serve /.well-known/assetlinks.json.
        manifestPlaceholders["linkHost"] = providers.gradleProperty("linkHost").getOrElse("login.example.invalid")
    }

    flavorDimensions += "push"
    productFlavors {
        create("foss") { dimension = "push" }
        create("gms") { dimension = "push" }
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = false
            proguardFiles("../toolchain/app.pro")
        }
    }

    sourceSets["main"].kotlin.directories += listOf("$root/bindings/kotlin/src/main/kotlin", generated.get().asFile.path)
    // What toolchain/native puts there.
    sourceSets["main"].jniLibs.directories += "src/main/jniLibs"

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    packaging.jniLibs.useLegacyPackaging = false
    testOptions.unitTests.isIncludeAndroidResources = true
}

dependencies {
    implementation(libs.bundles.app.aars)
    implementation(libs.bundles.app.jars)
    implementation(libs.jna) { artifact { type = "aar" } }
    "gmsImplementation"(libs.bundles.gms.aars)
    constraints {
        (libs.bundles.app.resolved.aars.get() + libs.bundles.app.resolved.jars.get()).forEach { implementation(it) }
        (libs.bundles.gms.resolved.aars.get() + libs.bundles.gms.resolved.jars.get()).forEach { "gmsImplementation"(it) }
    }
    testImplementation(libs.bundles.test.aars)
    testImplementation(libs.bundles.test.jars)
    testImplementation(libs.robolectric)
}

// The library's Kotlin is written by its own generator, each time.
val generate =
    tasks.register<Exec>("generateCountersign") {
        commandLine("$root/bindings/generate", "kotlin", generated.get().asFile.path)
        outputs.dir(generated)
    }

tasks.named("preBuild") { dependsOn(generate) }
