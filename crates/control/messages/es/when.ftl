when-now = ahora mismo
when-minutes-ago =
    { $n ->
        [one] hace 1 minuto
       *[other] hace { $n } minutos
    }
when-hours-ago =
    { $n ->
        [one] hace 1 hora
       *[other] hace { $n } horas
    }
when-yesterday = ayer
when-days-ago =
    { $n ->
        [one] hace 1 día
       *[other] hace { $n } días
    }
when-in-minutes =
    { $n ->
        [one] en 1 minuto
       *[other] en { $n } minutos
    }
when-in-hours =
    { $n ->
        [one] en 1 hora
       *[other] en { $n } horas
    }
when-in-days =
    { $n ->
        [one] en 1 día
       *[other] en { $n } días
    }
when-day = { $day } { $month }
when-day-of-year = { $day } { $month } { $year }
when-exact = { $day } de { $month } de { $year }, { $time } UTC
month-1 = enero
month-2 = febrero
month-3 = marzo
month-4 = abril
month-5 = mayo
month-6 = junio
month-7 = julio
month-8 = agosto
month-9 = septiembre
month-10 = octubre
month-11 = noviembre
month-12 = diciembre
month-short-1 = ene
month-short-2 = feb
month-short-3 = mar
month-short-4 = abr
month-short-5 = may
month-short-6 = jun
month-short-7 = jul
month-short-8 = ago
month-short-9 = sep
month-short-10 = oct
month-short-11 = nov
month-short-12 = dic
