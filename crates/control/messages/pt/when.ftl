when-now = agora mesmo
when-minutes-ago =
    { $n ->
        [one] há 1 minuto
       *[other] há { $n } minutos
    }
when-hours-ago =
    { $n ->
        [one] há 1 hora
       *[other] há { $n } horas
    }
when-yesterday = ontem
when-days-ago =
    { $n ->
        [one] há 1 dia
       *[other] há { $n } dias
    }
when-in-minutes =
    { $n ->
        [one] em 1 minuto
       *[other] em { $n } minutos
    }
when-in-hours =
    { $n ->
        [one] em 1 hora
       *[other] em { $n } horas
    }
when-in-days =
    { $n ->
        [one] em 1 dia
       *[other] em { $n } dias
    }
when-day = { $day } de { $month }
when-day-of-year = { $day } de { $month } de { $year }
when-exact = { $day } de { $month } de { $year }, { $time } UTC
month-1 = janeiro
month-2 = fevereiro
month-3 = março
month-4 = abril
month-5 = maio
month-6 = junho
month-7 = julho
month-8 = agosto
month-9 = setembro
month-10 = outubro
month-11 = novembro
month-12 = dezembro
month-short-1 = jan.
month-short-2 = fev.
month-short-3 = mar.
month-short-4 = abr.
month-short-5 = mai.
month-short-6 = jun.
month-short-7 = jul.
month-short-8 = ago.
month-short-9 = set.
month-short-10 = out.
month-short-11 = nov.
month-short-12 = dez.
