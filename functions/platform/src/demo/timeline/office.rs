//! When the working side works.

use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, Utc, Weekday};

use super::chance::Chance;

pub(super) fn clock(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()
}

/// Office hours in UTC: eight to half past five in Berlin in winter.
fn office(day: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let at = |time| day.date_naive().and_time(time).and_utc();
    (at(clock(7, 0)), at(clock(16, 30)))
}

/// The same moment, or the next one at which the office is open.
pub(super) fn when_open(moment: DateTime<Utc>) -> DateTime<Utc> {
    let mut moment = moment;
    loop {
        let (opens, closes) = office(moment);
        let weekend = matches!(moment.weekday(), Weekday::Sat | Weekday::Sun);
        if !weekend && moment < closes {
            return moment.max(opens);
        }
        moment = office(moment + Days::new(1)).0;
    }
}

/// `minutes` of office hours later, and some seconds.
pub(super) fn after_work(from: DateTime<Utc>, minutes: i64, chance: &mut Chance) -> DateTime<Utc> {
    let mut moment = when_open(from);
    let mut left = TimeDelta::minutes(minutes) + TimeDelta::seconds(chance.within_i64(0, 60));
    loop {
        let today = office(moment).1 - moment;
        if left <= today {
            return moment + left;
        }
        left -= today;
        moment = when_open(office(moment).1);
    }
}

pub(super) fn working_minutes(from: DateTime<Utc>, to: DateTime<Utc>) -> i64 {
    let mut minutes = 0;
    let mut moment = when_open(from);
    while moment < to {
        let closes = office(moment).1;
        minutes += (closes.min(to) - moment).num_minutes();
        moment = when_open(closes);
    }
    minutes
}
