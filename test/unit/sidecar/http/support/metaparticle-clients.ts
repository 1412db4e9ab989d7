/** What the clients of Metaparticle write, byte for byte, and whether they keep a connection. */

export interface MetaparticleClient {
  readonly language: string;
  /** Does it look at a lock before each heartbeat, too? */
  readonly looksFirst: boolean;
  /**
   * `keeps`: one connection; `closes`: says that it closes each; `leaks`: opens one for each request, and forgets it.
   */
  readonly connections: 'keeps' | 'closes' | 'leaks';
  readonly get: (name: string) => string;
  readonly put: (name: string) => string;
}

const lines = (...all: readonly string[]): string => `${all.join('\r\n')}\r\n\r\n`;

export const METAPARTICLE_CLIENTS: readonly MetaparticleClient[] = [
  {
    language: 'Python',
    looksFirst: true,
    connections: 'closes',
    get: (name) =>
      lines(
        `GET /locks/${name} HTTP/1.1`,
        'Accept-Encoding: identity',
        'Host: localhost:13131',
        'User-Agent: Python-urllib/3.6',
        'Connection: close',
      ),
    put: (name) =>
      lines(
        `PUT /locks/${name} HTTP/1.1`,
        'Accept-Encoding: identity',
        'Content-Length: 0',
        'Host: localhost:13131',
        'User-Agent: Python-urllib/3.6',
        'Accept: application/json',
        'Connection: close',
      ),
  },
  {
    language: 'JavaScript',
    looksFirst: true,
    connections: 'closes',
    get: (name) => lines(`GET /locks/${name} HTTP/1.1`, 'host: localhost:13131', 'Connection: close'),
    put: (name) =>
      lines(`PUT /locks/${name} HTTP/1.1`, 'host: localhost:13131', 'content-length: 0', 'Connection: close'),
  },
  {
    language: 'Java',
    looksFirst: true,
    connections: 'keeps',
    get: (name) =>
      lines(
        `GET /locks/${name} HTTP/1.1`,
        'accept: application/json',
        'accept-encoding: gzip',
        'user-agent: unirest-java/1.3.11',
        'Host: localhost:13131',
        'Connection: Keep-Alive',
      ),
    put: (name) =>
      lines(
        `PUT /locks/${name} HTTP/1.1`,
        'accept: application/json',
        'accept-encoding: gzip',
        'user-agent: unirest-java/1.3.11',
        'Content-Length: 0',
        'Host: localhost:13131',
        'Connection: Keep-Alive',
      ),
  },
  {
    language: '.NET',
    looksFirst: true,
    connections: 'keeps',
    get: (name) =>
      lines(
        `GET /locks/${name} HTTP/1.1`,
        'Host: localhost:13131',
        'Accept: application/json',
        'User-Agent: Metaparticle Sync Client',
      ),
    put: (name) =>
      lines(
        `PUT /locks/${name} HTTP/1.1`,
        'Host: localhost:13131',
        'Accept: application/json',
        'User-Agent: Metaparticle Sync Client',
        'Content-Length: 0',
      ),
  },
  {
    language: 'Go',
    looksFirst: false,
    connections: 'leaks',
    get: (name) =>
      lines(
        `GET /locks/${name} HTTP/1.1`,
        'Host: localhost:8080',
        'User-Agent: Go-http-client/1.1',
        'Accept-Encoding: gzip',
      ),
    put: (name) =>
      lines(
        `PUT /locks/${name} HTTP/1.1`,
        'Host: localhost:8080',
        'User-Agent: Go-http-client/1.1',
        'Content-Length: 0',
        'Accept-Encoding: gzip',
      ),
  },
  {
    language: 'Rust',
    looksFirst: true,
    connections: 'keeps',
    get: (name) =>
      lines(`GET /locks/${name} HTTP/1.1`, 'Host: localhost:8080', 'User-Agent: requests-rs/0.0.30', 'Accept: */*'),
    // Without a length, as a PUT without a body may be.
    put: (name) =>
      lines(`PUT /locks/${name} HTTP/1.1`, 'Host: localhost:8080', 'User-Agent: requests-rs/0.0.30', 'Accept: */*'),
  },
];
