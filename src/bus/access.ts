/** How the client of NATS is let in: what was said of servers and files, as its options. */
import { readFileSync } from 'node:fs'
import { credsAuthenticator, nkeyAuthenticator, type ConnectionOptions } from 'nats'
import { EngineError } from '../../events/index.ts'
import type { BusOptions } from './bus.ts'

/** An NKey's seed of a user: `SU` and 56 more (NATS ADR-14). */
const SEED = /\bSU[A-Z2-7]{56}\b/

/** @throws {EngineError} ERR_NOT_PERMITTED: the file of credentials cannot be read, or holds none */
export function accessOf({ ca, certificate, credentials, key, servers }: BusOptions): ConnectionOptions {
  const files = Object.entries({ caFile: ca, certFile: certificate, keyFile: key })
  const tls = files.filter(([, path]) => path !== undefined)
  return {
    ...(credentials === undefined ? {} : { authenticator: authenticatorOf(credentials) }),
    servers: [...servers],
    ...(tls.length === 0 ? {} : { tls: Object.fromEntries(tls) }),
  }
}

/** Credentials are a JWT with a seed, or a seed alone. */
function authenticatorOf(path: string): ReturnType<typeof credsAuthenticator> {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    const why = (cause as { readonly code?: string }).code ?? 'it cannot be read'
    throw notPermitted(`the credentials ${path} cannot be read (${why})`, cause)
  }
  const text = bytes.toString()
  if (text.includes('BEGIN NATS USER JWT')) return credsAuthenticator(bytes)
  const seed = SEED.exec(text)?.[0]
  if (seed === undefined)
    throw notPermitted(`${path} has no NATS credentials: a JWT with its seed, or a seed alone`)
  return nkeyAuthenticator(Buffer.from(seed))
}

const notPermitted = (message: string, cause?: unknown): EngineError =>
  new EngineError(
    'ERR_NOT_PERMITTED',
    `${message}; give the file that the servers' owner made for this host`,
    {
      cause,
    },
  )
