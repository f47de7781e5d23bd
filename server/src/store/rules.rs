//! The rules of a challenge's life, all in one place: conditions of SQL, and numbers.
//!
//! Each condition stands in the one guarded statement that makes a transition, so that two callers cannot both pass it.
//! The simulation runs on broken copies of these rules as well, and must notice each.
//!
//! The clock of a machine is set, and may go back. What somebody was told is over stays over (`told_over_at`), and what
//! began more than [`AHEAD`] after the present began by another clock, and counts as over too: it would live for hours.
//! The conditions hold [`AHEAD`] as 60000.

use std::time::Duration;

/// How long an approval waits to be claimed.
pub const CLAIM_WINDOW: Duration = Duration::from_secs(60);
/// How far back prompts are counted against their limits.
pub const PROMPT_WINDOW: Duration = Duration::from_secs(3600);

/// How far ahead of the present a moment may lie that was written down as the present: several threads read the clock,
/// and it is steered a little all the time.
pub const AHEAD: Duration = Duration::from_secs(60);

/// The rules. Conditions are about a row of `challenge` unless they say otherwise; `:now` is the time read in the same
/// transaction; an approval given at `:oldest` or before has lapsed. [`condition`] puts a rule into a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Which challenge an answer may settle.
    pub may_settle: &'static str,
    /// Which device `e` may answer, whose copy of the challenge is `d`: one in use, and one that is to take over the
    /// question that rehearses it. The answer must be to the very bytes of that copy. When another question comes
    /// beside it, the copy is changed to ask for a number and its earlier form is kept: a NO to the earlier form still
    /// counts, a YES (`:approves`) does not, because it came without the number. A report needs only that the device
    /// was asked.
    pub may_answer: &'static str,
    /// Which approval may be claimed: one of a sign-in. That of a move signs nobody in.
    pub may_claim: &'static str,
    /// Which challenge was claimed before with the same key, so that a repeated claim gets the same answer.
    pub same_claim: &'static str,
    /// Which question its relying party may take back.
    pub may_cancel: &'static str,
    /// Which approval may be taken back: one that nobody has claimed yet.
    pub may_revoke: &'static str,
    /// Which challenge may be reported.
    pub may_report: &'static str,
    /// Whose challenge it is: no other relying party's exists.
    pub own: &'static str,
    /// Which question of the account still waits, so that it must ask for a number when another comes beside it.
    pub overlaps: &'static str,
    /// The most questions that wait for one person at one time, as [`Rules::overlaps`] says which those are.
    pub questions_per_person: u32,
    /// The most of them by one relying party.
    pub questions_per_relying_party: u32,
    /// Which challenge counts as a prompt that did not end in approval.
    pub unwanted_prompt: &'static str,
    /// The most such prompts of one person within [`PROMPT_WINDOW`].
    pub prompts_per_person: u32,
    /// The most such prompts of one person by one relying party within [`PROMPT_WINDOW`].
    pub prompts_per_relying_party: u32,
    /// Which code authenticator has accepted neither the code of `:step` nor a later one, and has not used that step up
    /// under another clock of the server either. Without this rule a code could be used twice.
    pub unspent: &'static str,
    /// Which backup code is good: one that was not used.
    pub unused: &'static str,
    /// Whether the number that was typed must be the one that was shown.
    pub compares_number: bool,
    /// Whether a move has a link only when it has its second half.
    pub proves: bool,
    /// Whether the new phone of a move shows that it can answer before it is in use.
    pub rehearses: bool,
    /// Whether the old phone ends in the moment in which the new one takes over.
    pub ends_old: bool,
}

impl Rules {
    /// The rules of the server, but for the two numbers of questions, which `[limits]` sets: these are such as the
    /// small world of the simulation meets. Any others exist only for the simulation.
    pub const RIGHT: Self = Self {
        may_settle: "state = 'pending' AND told_over_at IS NULL AND expires_at > :now \
                     AND created_at <= :now + 60000",
        may_answer: "(e.state = 'confirmed' OR (e.state = 'proposed' AND challenge.purpose = 'rehearsal')) \
                     AND (d.compact = :compact OR (d.earlier = :compact AND NOT :approves))",
        may_claim: "state = 'approved' AND purpose IS NULL AND told_over_at IS NULL AND settled_at > :oldest \
                    AND settled_at <= :oldest + 120000",
        same_claim: "state = 'claimed' AND claim_key = :key",
        may_cancel: "state = 'pending' AND told_over_at IS NULL AND expires_at > :now",
        may_revoke: "state = 'approved' AND told_over_at IS NULL AND settled_at > :oldest",
        may_report: "report IS NULL",
        own: "relying_party = :relying_party",
        overlaps: "state = 'pending' AND told_over_at IS NULL AND expires_at > :now",
        questions_per_person: 20,
        questions_per_relying_party: 5,
        unwanted_prompt: "prompt = 'pushed' AND state NOT IN ('approved', 'claimed')",
        prompts_per_person: 5,
        prompts_per_relying_party: 3,
        unspent: "(last_step IS NULL OR last_step < :step) AND NOT EXISTS (SELECT 1 FROM used_step u
                  WHERE u.authenticator = code_authenticator.row_id AND u.step = :step)",
        unused: "used_at IS NULL",
        compares_number: true,
        proves: true,
        rehearses: true,
        ends_old: true,
    };
}

/// A rule's condition as a part of a statement: each name in it, such as `:now`, is replaced by the parameter of that
/// number in the statement, which `places` gives by the name without its colon. A name without a place becomes the name
/// of a column that no table has, so that the database refuses the statement.
pub(super) fn condition(rule: &str, places: &[(&str, u8)]) -> String {
    let mut parts = rule.split(':');
    let mut sql = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_of_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let (name, rest) = part.split_at(part.find(|letter| !is_of_name(letter)).unwrap_or(part.len()));
        match places.iter().find(|(known, _)| *known == name) {
            Some((_, number)) => sql.push_str(&format!("${number}")),
            None => sql.push_str(&format!("no_place_for_{name}")),
        }
        sql.push_str(rest);
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_gets_its_parameter_and_one_without_a_place_is_no_column() {
        for (rule, expected) in [
            (
                Rules::RIGHT.may_settle,
                "state = 'pending' AND told_over_at IS NULL AND expires_at > $2 AND created_at <= $2 + 60000",
            ),
            (Rules::RIGHT.may_report, "report IS NULL"),
            ("last_step < :step", "last_step < no_place_for_step"),
            (":now < :nowhere AND a = :now", "$2 < no_place_for_nowhere AND a = $2"),
        ] {
            assert_eq!(condition(rule, &[("now", 2), ("compact", 11)]), expected);
        }
    }
}
