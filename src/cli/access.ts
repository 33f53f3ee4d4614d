/** How a cluster's servers are reached, as options of the command line. */
import { resolve } from 'node:path'
import type { BusOptions } from '../bus/bus.ts'
import { given, type OptionSpec, type Values } from './leaf.ts'

export const ACCESS_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--credentials <file>',
    what: 'NATS credentials (JWT and seed); the file is named in the log, not read into it',
  },
  { flags: '--ca <file>', what: "authority that servers' certificates come from (PEM)" },
  { flags: '--certificate <file>', what: 'our certificate (PEM), with --key' },
  { flags: '--key <file>', what: "our certificate's key (PEM)" },
  { flags: '--allow-legacy-server', what: 'use servers older than 2.11, where there is one only' },
]

export const accessIn = (servers: readonly string[], values: Values): BusOptions =>
  given({
    allowLegacyServer: values.flag('allowLegacyServer') ? true : undefined,
    ca: file(values, 'ca'),
    certificate: file(values, 'certificate'),
    credentials: file(values, 'credentials'),
    key: file(values, 'key'),
    servers,
  })

/** The engine's working directory is another than the caller's. */
function file(values: Values, name: string): string | undefined {
  const path = values.text(name)
  return path === undefined ? undefined : resolve(path)
}
