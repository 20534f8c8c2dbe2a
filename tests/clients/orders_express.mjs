// An API as Express makes one, with its defaults.
import { createRequire } from 'node:module'

const express = createRequire(process.env.MODULES + '/')('express')
const app = express()
app.get('/v1/orders', (request, response) => response.redirect(301, '/v1/orders/'))
app.get('/v1/back', (request, response) => response.redirect('../v1/orders/'))
app.get('/v1/cookie', (request, response) => {
  response.cookie('session', 'a', { httpOnly: true })
  response.cookie('__Host-strict', 'b', { secure: true })
  response.links({ next: `http://${request.headers.host}/v1/cookie?page=2` })
  response.json({})
})
app.use('/v1/files', express.static(process.argv[3]))
app.listen(Number(process.argv[2]), '127.0.0.1')
