// A receiver of webhooks, which answers as its path says and verifies every delivery with the reference libraries.
// POST /secrets adds a secret; GET /received returns what came, oldest first.
import { createServer } from 'node:http';
import { Webhook as Standard } from 'standardwebhooks';
import { Webhook as Svix } from 'svix';

const secrets = new Set();
const received = [];
const seen = new Map();

const verifies = (Library, body, headers) =>
  [...secrets].some((secret) => {
    try {
      new Library(secret).verify(body, headers);
      return true;
    } catch {
      return false;
    }
  });

function answer(path, request, response, id) {
  const count = (seen.get(id + path) ?? 0) + 1;
  seen.set(id + path, count);
  switch (path) {
    case '/204':
      return response.writeHead(204).end();
    case '/301':
      return response.writeHead(301, { location: '/200' }).end();
    case '/410':
      return response.writeHead(410).end('gone');
    case '/429':
      return response.writeHead(429, { 'retry-after': '3600' }).end('slow down');
    case '/500':
      return response.writeHead(500).end(`broken, ${request.headers.authorization ?? 'no'} authorization`);
    case '/echo':
      return response.writeHead(500).end(process.env.ECHO ?? '');
    case '/hang':
      return undefined;
    case '/cut':
      return request.socket.destroy();
    case '/big':
      response.writeHead(200);
      return response.end(Buffer.alloc(10 * 1024 * 1024, 'x'));
    // Fails every first attempt.
    case '/second':
      return response.writeHead(count > 1 ? 200 : 500).end('');
    // Fails about half of all attempts.
    case '/half':
      return response.writeHead(Math.random() < 0.5 ? 500 : 200).end('');
    default:
      return response.writeHead(200).end('ok');
  }
}

const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts).toString();
    if (request.url === '/secrets') {
      secrets.add(body);
      return response.end();
    }
    if (request.url === '/received') {
      return response.end(JSON.stringify(received));
    }
    const { headers } = request;
    const verified = { standardwebhooks: verifies(Standard, body, headers), svix: verifies(Svix, body, headers) };
    received.push({ path: request.url, headers, body, verified });
    return answer(request.url, request, response, headers['webhook-id']);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
