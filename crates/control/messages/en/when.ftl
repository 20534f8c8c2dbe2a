when-now = just now
when-minutes-ago =
    { $n ->
        [one] a minute ago
       *[other] { $n } minutes ago
    }
when-hours-ago =
    { $n ->
        [one] an hour ago
       *[other] { $n } hours ago
    }
when-yesterday = yesterday
when-days-ago =
    { $n ->
        [one] a day ago
       *[other] { $n } days ago
    }
when-in-minutes =
    { $n ->
        [one] in a minute
       *[other] in { $n } minutes
    }
when-in-hours =
    { $n ->
        [one] in an hour
       *[other] in { $n } hours
    }
when-in-days =
    { $n ->
        [one] in a day
       *[other] in { $n } days
    }
when-day = { $day } { $month }
when-day-of-year = { $day } { $month } { $year }
when-exact = { $day } { $month } { $year }, { $time } UTC
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December
month-short-1 = Jan
month-short-2 = Feb
month-short-3 = Mar
month-short-4 = Apr
month-short-5 = May
month-short-6 = Jun
month-short-7 = Jul
month-short-8 = Aug
month-short-9 = Sep
month-short-10 = Oct
month-short-11 = Nov
month-short-12 = Dec
