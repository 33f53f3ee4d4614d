/** Whether a server is new enough to be trusted with who came first. */
import { EngineError } from '../../events/index.ts'
import { SERVER_VERSION_MIN } from './bus.ts'

/** @throws {EngineError} ERR_SERVER_UNSUPPORTED: it is older than {@link SERVER_VERSION_MIN}, and that was not allowed */
export function checkServer(version: string, allowLegacy: boolean): void {
  if (allowLegacy || !isOlder(version, SERVER_VERSION_MIN)) return
  throw new EngineError(
    'ERR_SERVER_UNSUPPORTED',
    `nats-server ${version} is too old to say for certain who came first: use ${SERVER_VERSION_MIN} or newer, ` +
      'or allow it (--allow-legacy-server) where there is one server only',
    { details: { least: SERVER_VERSION_MIN, version } },
  )
}

/** Compares `major.minor.patch`; what follows (`-beta.1`) does not count. What is no version is older than any. */
export function isOlder(version: string, than: string): boolean {
  const [one, other] = [version, than].map((text) => text.split(/[.-]/, 3).map(Number))
  for (const i of [0, 1, 2]) {
    const difference = (one?.[i] ?? 0) - (other?.[i] ?? 0)
    if (difference !== 0) return !(difference > 0)
  }
  return false
}
