package io.github.countersign.android.notices

import io.github.countersign.Prompt

/** The notifications of requests: one a request, under the request's id. */
interface Notices {
    /** Shows a request, or shows it in its new form. It sounds once. */
    fun ask(prompt: Prompt)

    /** Takes a request's notification away. */
    fun over(challenge: String)

    /** The requests that are shown at this moment. */
    fun shown(): Set<String>

    /** True when the system shows notifications of requests at all. */
    fun areAllowed(): Boolean
}
