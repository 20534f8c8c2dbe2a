// Uploads a large body again and again; prints how many responses had the status 401.
import http from 'node:http'

const [url, size, times] = process.argv.slice(2)
const body = Buffer.alloc(Number(size))

const upload = () =>
  new Promise((resolve) => {
    const request = http.request(url, { method: 'POST', headers: { 'content-length': body.length } })
    request.on('response', (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', (error) => {
      console.error(String(error))
      resolve(0)
    })
    request.end(body)
  })

let got = 0
for (let i = 0; i < Number(times); i++) got += (await upload()) === 401
console.log(got)
process.exit(0)
