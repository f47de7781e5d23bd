//! The result as a picture: how many times its quiet figure the slowest hundredth takes beside each flood.

use super::report::{Measured, percentile};
use std::fmt::Write;

const ROW: usize = 44;
const TOP: usize = 84;
const LEFT: f64 = 130.0;
const WIDTH: f64 = 560.0;
/// The most that is drawn to scale.
const MOST: f64 = 8.0;

/// How long a bar is for this ratio: beyond the most, it ends at the edge.
fn length(ratio: f64) -> f64 {
    ratio.clamp(0.0, MOST) / MOST * WIDTH
}

/// An SVG for light and dark, without a script.
pub fn draw(measured: &Measured) -> String {
    let height = TOP + ROW * measured.stages.len() + 40;
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {height}" role="img"
 aria-label="Logins and enrolments beside floods">
<style>
svg {{ font: 14px system-ui, sans-serif; background: #fff }} text {{ fill: #1b1b1b }} .dim {{ fill: #595959 }}
.login {{ fill: #1f6feb }} .enrol {{ fill: #8a63d2 }} line {{ stroke: #c4c4c4 }}
.twice {{ stroke: #c0392b; stroke-dasharray: 5 4 }}
@media (prefers-color-scheme: dark) {{ svg {{ background: #16181d }} text {{ fill: #eaeaea }} .dim {{ fill: #a5a5a5 }}
.login {{ fill: #5b9bff }} .enrol {{ fill: #b295ee }} line {{ stroke: #444 }} .twice {{ stroke: #ff7a6b }} }}
</style>
<text x="20" y="28" font-size="18">The slowest hundredth beside a flood, in times of its quiet figure</text>
<text x="20" y="50" class="dim">{connections} connections a flood, {seconds} s each;
in quiet a login takes {login:.0} ms, an enrolment {enrol:.0} ms (p99)</text>
<rect x="{LEFT}" y="60" width="12" height="12" class="login"/><text x="{login_at}" y="71">login</text>
<rect x="{enrol_box}" y="60" width="12" height="12" class="enrol"/><text x="{enrol_at}" y="71">enrolment</text>
"#,
        connections = measured.connections,
        seconds = measured.seconds,
        login = percentile(&measured.quiet.times.logins, 99),
        enrol = percentile(&measured.quiet.times.enrolments, 99),
        login_at = LEFT + 18.0,
        enrol_box = LEFT + 80.0,
        enrol_at = LEFT + 98.0,
    );
    for (times, class) in [(1.0, "once"), (2.0, "twice"), (4.0, "scale"), (6.0, "scale"), (8.0, "scale")] {
        let x = LEFT + length(times);
        let _ = writeln!(
            svg,
            r#"<line x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}" class="{class}"/>
<text x="{x}" y="{label}" text-anchor="middle" class="dim">{times}×</text>"#,
            bottom = height - 32,
            label = height - 14,
        );
    }
    for (row, stage) in measured.stages.iter().enumerate() {
        let y = TOP + ROW * row;
        let _ = writeln!(
            svg,
            r#"<text x="{at}" y="{y}" text-anchor="end">{name}</text>"#,
            at = LEFT - 10.0,
            y = y + 25,
            name = stage.name
        );
        let both = [
            (&stage.times.logins, &measured.quiet.times.logins, "login", 6),
            (&stage.times.enrolments, &measured.quiet.times.enrolments, "enrol", 22),
        ];
        for (times, quiet, class, down) in both {
            let ratio = percentile(times, 99) / percentile(quiet, 99);
            let wide = length(ratio).max(1.0);
            let _ = writeln!(
                svg,
                r#"<rect x="{LEFT}" y="{top}" width="{wide:.1}" height="13" class="{class}"/>
<text x="{at:.1}" y="{text}" font-size="12">{ratio:.1}×</text>"#,
                top = y + down,
                at = LEFT + wide + 6.0,
                text = y + down + 11,
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}
