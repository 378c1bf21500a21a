//! Business hours of the experts.

use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, Utc, Weekday};

use super::rng::Rng;

pub(super) fn time_of_day(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()
}

/// Returns the business hours of a day in UTC: 8:00 to 17:30 in Berlin in winter.
fn opening_hours(day: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let at = |time| day.date_naive().and_time(time).and_utc();
    (at(time_of_day(7, 0)), at(time_of_day(16, 30)))
}

/// Returns the same moment, or the next one within business hours.
pub(super) fn next_open(moment: DateTime<Utc>) -> DateTime<Utc> {
    let mut moment = moment;
    loop {
        let (opens, closes) = opening_hours(moment);
        let weekend = matches!(moment.weekday(), Weekday::Sat | Weekday::Sun);
        if !weekend && moment < closes {
            return moment.max(opens);
        }
        moment = opening_hours(moment + Days::new(1)).0;
    }
}

/// Adds `minutes` of business hours and a few seconds.
pub(super) fn add_business_minutes(
    from: DateTime<Utc>,
    minutes: i64,
    rng: &mut Rng,
) -> DateTime<Utc> {
    let mut moment = next_open(from);
    let mut left = TimeDelta::minutes(minutes) + TimeDelta::seconds(rng.range_i64(0, 60));
    loop {
        let today = opening_hours(moment).1 - moment;
        if left <= today {
            return moment + left;
        }
        left -= today;
        moment = next_open(opening_hours(moment).1);
    }
}

pub(super) fn business_minutes(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    let mut minutes = 0;
    let mut moment = next_open(from);
    while moment < to {
        let closes = opening_hours(moment).1;
        minutes += (closes.min(to) - moment).num_minutes();
        moment = next_open(closes);
    }
    minutes
}
