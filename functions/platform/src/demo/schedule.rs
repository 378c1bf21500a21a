//! Times of the demo, relative to its end.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};

use crate::Error;

/// Steps of a workday lie between these hours (UTC).
const DAY_STARTS: NaiveTime = NaiveTime::from_hms_opt(6, 0, 0).unwrap();
const DAY_LENGTH: TimeDelta = TimeDelta::hours(15);
/// A day counts once it is this old; otherwise the workday before is the last one.
const MIN_AGE_OF_DAY: TimeDelta = TimeDelta::hours(1);

/// Resolves a time before `now`: `-28d+3m` (days and minutes) or `w-17 09:42` (workdays back, and the hour in UTC). On a day that
/// has not ended, hours are scaled to the part that has passed.
pub fn resolve(at: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
    let resolved = if let Some(workday) = at.strip_prefix("w-") {
        workday.split_once(' ').and_then(|(days, time)| {
            let time = NaiveTime::parse_from_str(time, "%H:%M").ok()?;
            Some(on_workday(days.parse().ok()?, time, now))
        })
    } else {
        at.strip_prefix('-').and_then(|rest| {
            let (days, minutes) = rest.split_once('d')?;
            let minutes = match minutes {
                "" => 0,
                minutes => minutes.strip_prefix('+')?.strip_suffix('m')?.parse().ok()?,
            };
            Some(now - TimeDelta::days(days.parse().ok()?) + TimeDelta::minutes(minutes))
        })
    };
    resolved.ok_or_else(|| format!("{at} is not a time of the demo").into())
}

fn on_workday(back: u32, time: NaiveTime, now: DateTime<Utc>) -> DateTime<Utc> {
    let start = |day: NaiveDate| day.and_time(DAY_STARTS).and_utc();
    let mut day = (now - (DAY_STARTS - NaiveTime::MIN) - MIN_AGE_OF_DAY).date_naive();
    let is_free = |day: NaiveDate| matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let mut back = back;
    while back > 0 || is_free(day) {
        back -= u32::from(!is_free(day));
        day = day - Days::new(1);
    }
    let passed = (now - start(day)).min(DAY_LENGTH);
    let seconds = (time - DAY_STARTS).num_seconds() * passed.num_seconds();
    start(day) + TimeDelta::seconds(seconds / DAY_LENGTH.num_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, now: &str) -> String {
        let time = resolve(text, now.parse().unwrap()).unwrap();
        time.format("%a %m-%d %H:%M").to_string()
    }

    #[test]
    fn times_are_relative_to_workdays_or_days() {
        let friday = "2026-11-20T22:00:00Z";
        assert_eq!(at("w-0 09:42", friday), "Fri 11-20 09:42");
        assert_eq!(at("w-5 20:30", friday), "Fri 11-13 20:30");
        assert_eq!(at("w-0 09:42", "2026-11-22T10:00:00Z"), "Fri 11-20 09:42");
        assert_eq!(at("w-1 09:42", "2026-11-22T10:00:00Z"), "Thu 11-19 09:42");
        assert_eq!(at("-28d", friday), "Fri 10-23 22:00");
        assert_eq!(at("-28d+3m", friday), "Fri 10-23 22:03");
        for wrong in ["w-1", "w-1 25:00", "yesterday", "-3", "-xd", "-3d+m5"] {
            assert!(resolve(wrong, friday.parse().unwrap()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn hours_of_today_are_scaled_to_the_time_that_has_passed() {
        let now = "2026-11-20T09:00:00Z";
        assert_eq!(at("w-0 06:00", now), "Fri 11-20 06:00");
        assert_eq!(at("w-0 20:30", now), "Fri 11-20 08:54");
        assert_eq!(at("w-1 20:30", now), "Thu 11-19 20:30");
        assert_eq!(at("w-0 20:30", "2026-11-20T06:30:00Z"), "Thu 11-19 20:30");
    }
}
