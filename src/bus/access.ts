/** How the client of NATS is let in: what was said of servers and files, as its options. */
import { readFileSync } from 'node:fs'
import { checkServerIdentity } from 'node:tls'
import { credsAuthenticator, nkeyAuthenticator, type ConnectionOptions } from 'nats'
import { EngineError } from '../../events/index.ts'
import type { BusOptions } from './bus.ts'

/** An NKey's seed of a user: `SU` and 56 more (NATS ADR-14). */
const SEED = /\bSU[A-Z2-7]{56}\b/

/** @throws {EngineError} ERR_NOT_PERMITTED: a file of credentials or certificates cannot be read, or holds none */
export function accessOf({ ca, certificate, credentials, key, servers }: BusOptions): ConnectionOptions {
  const files = Object.entries({ caFile: ca, certFile: certificate, keyFile: key }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  for (const [, path] of files) bytesOf(path)
  // The client takes a plain connection where the server offers no other, unless it is given something for TLS: also nothing.
  const isSecure = files.length > 0 || servers.some((server) => server.startsWith('tls://'))
  // What the client's own type has no place for it hands to Node as it is.
  const tls: object = { ...Object.fromEntries(files), checkServerIdentity: identityAmong(servers) }
  return {
    ...(credentials === undefined ? {} : { authenticator: authenticatorOf(credentials) }),
    servers: [...servers],
    ...(isSecure ? { tls } : {}),
  }
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
    throw notPermitted(`${path} has no NATS credentials: a JWT with its seed, or a seed alone`)
  return nkeyAuthenticator(Buffer.from(seed))
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const why = (cause as { readonly code?: string }).code ?? 'it cannot be read'
    throw notPermitted(`${path} cannot be read (${why})`, cause)
  }
}

const notPermitted = (message: string, cause?: unknown): EngineError =>
  new EngineError(
    'ERR_NOT_PERMITTED',
    `${message}; give the file that the servers' owner made for this host`,
    {
      cause,
    },
  )
