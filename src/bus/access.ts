/** How the client of NATS is let in: what was said of servers and files, as its options. */
import { readFileSync } from 'node:fs'
import { checkServerIdentity } from 'node:tls'
import { credsAuthenticator, nkeyAuthenticator, type ConnectionOptions } from 'nats'
import { EngineError } from '../../events/index.ts'
import type { BusOptions } from './bus.ts'

/** An NKey's seed of a user: `SU` and 56 more (NATS ADR-14). */
const SEED = /\bSU[A-Z2-7]{56}\b/

/**
 * @throws {EngineError} of a file of credentials or certificates: ERR_NOT_FOUND: it is not there; ERR_NOT_PERMITTED: it may not be
 *   read; ERR_INVALID: it holds none
 */
export function accessOf(options: BusOptions): ConnectionOptions {
  const { ca, certificate, credentials, key, servers } = options
  const files = Object.entries({ caFile: ca, certFile: certificate, keyFile: key }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  for (const [, path] of files) bytesOf(path)
  // What the client's own type has no place for it hands to Node as it is.
  const tls: object = { ...Object.fromEntries(files), checkServerIdentity: identityAmong(servers) }
  return {
    ...(credentials === undefined ? {} : { authenticator: authenticatorOf(credentials) }),
    servers: [...servers],
    ...(whySecure(options) === undefined ? {} : { tls }),
  }
}

/**
 * Why servers are spoken to by TLS or not at all; undefined: as they want it. The client takes a plain connection where the server
 * offers no other, unless it is given something for TLS: also nothing.
 */
export function whySecure({ ca, certificate, key, servers }: BusOptions): string | undefined {
  const address = servers.find((server) => server.startsWith('tls://'))
  if (address !== undefined) return `${address} says so`
  const file = ca ?? certificate ?? key
  return file === undefined ? undefined : `${file} is given`
}

/** What the client of 2.29 has Node compare a certificate with, where a server was named by its address (seen on 2026-11-29). */
const PLACEHOLDER = 'localhost'

/**
 * Whose certificate counts. A server's name is compared as ever; where it was named by an address, the client tells nobody which, and
 * the certificate must be that of one of the servers that were given.
 */
const identityAmong =
  (servers: readonly string[]): typeof checkServerIdentity =>
  (name, certificate) => {
    const names = name === PLACEHOLDER ? servers.map(hostOf) : [name]
    const wrong = names.map((each) => checkServerIdentity(each, certificate))
    return wrong.includes(undefined) ? undefined : wrong[0]
  }

/** `tls://[fd00::1]:4222` is at fd00::1. */
const hostOf = (server: string): string => new URL(server).hostname.replace(/^\[|\]$/g, '')

/** Credentials are a JWT with a seed, or a seed alone. */
function authenticatorOf(path: string): ReturnType<typeof credsAuthenticator> {
  const bytes = bytesOf(path)
  const text = bytes.toString()
  if (text.includes('BEGIN NATS USER JWT')) return credsAuthenticator(bytes)
  const seed = SEED.exec(text)?.[0]
  if (seed === undefined)
    throw wrong('ERR_INVALID', `${path} has no NATS credentials: a JWT with its seed, or a seed alone`)
  return nkeyAuthenticator(Buffer.from(seed))
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const { code = 'it cannot be read' } = cause as { readonly code?: string }
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw wrong('ERR_NOT_FOUND', `there is no file ${path}`, cause)
    const isForbidden = code === 'EACCES' || code === 'EPERM'
    throw wrong(isForbidden ? 'ERR_NOT_PERMITTED' : 'ERR_INVALID', `${path} cannot be read (${code})`, cause)
  }
}

const wrong = (
  code: 'ERR_INVALID' | 'ERR_NOT_FOUND' | 'ERR_NOT_PERMITTED',
  message: string,
  cause?: unknown,
): EngineError =>
  new EngineError(code, `${message}; give the file that the servers' owner made for this host`, { cause })
