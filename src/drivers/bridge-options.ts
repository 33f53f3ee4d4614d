/**
 * Options of bridge networks under the names that Docker and libnetwork have for them. Each says what a field of the request
 * says, or what is done anyway, or something that this version cannot do and refuses.
 *
 * libnetwork passes over what it does not know; here that is refused, since whoever wrote it means something by it.
 */
import type { CommandData, Problem } from '../../events/index.ts'
import { quoted } from '../ipam/index.ts'

type Request = CommandData['network.create']
type Value = boolean | number | string

/** The fields of a request that an option can say. */
type OptionField = 'bridge' | 'ifPrefix' | 'internal' | 'ipv4' | 'ipv6' | 'masquerade' | 'mtu'

/** How the text of an option is read; undefined: it is none of what it takes. */
type Reading = { readonly read: (text: string) => Value | undefined; readonly takes: string }

type Meaning =
  /** What is done has this value; for others a capability is missing. */
  | (Reading & { readonly is: Value; readonly kind: 'done'; readonly missing: string })
  /** A capability is missing, whatever the value. */
  | { readonly kind: 'missing'; readonly missing: string }
  /** The value of a field. */
  | (Reading & { readonly field: OptionField; readonly kind: 'says' })

const says = (field: OptionField, reading: Reading): Meaning => ({ field, kind: 'says', ...reading })
const done = (is: Value, reading: Reading, missing: string): Meaning => ({
  is,
  kind: 'done',
  missing,
  ...reading,
})
const lacks = (missing: string): Meaning => ({ kind: 'missing', missing })

/** As Go's strconv.ParseBool takes them. */
const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False'])

const flag: Reading = {
  read: (text) => (TRUE.has(text) ? true : FALSE.has(text) ? false : undefined),
  takes: 'true or false',
}
const bytes: Reading = {
  read: (text) => (/^(0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : undefined),
  takes: 'a number of bytes, 0 for the default',
}
const name: Reading = { read: (text) => text, takes: 'a name' }
const mode: Reading = {
  read: (text) => (['isolated', 'nat', 'nat-unprotected', 'routed'].includes(text) ? text : undefined),
  takes: 'nat, nat-unprotected, routed or isolated',
}

const BRIDGE = 'com.docker.network.bridge'
const NETWORK = 'com.docker.network'

const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  [`${BRIDGE}.default_bridge`, done(false, flag, 'a default bridge')],
  [`${BRIDGE}.enable_icc`, done(true, flag, 'isolation of endpoints on one network')],
  [`${BRIDGE}.enable_ip_masquerade`, says('masquerade', flag)],
  [`${BRIDGE}.gateway_mode_ipv4`, done('nat', mode, 'a gateway mode other than nat')],
  [`${BRIDGE}.gateway_mode_ipv6`, done('nat', mode, 'a gateway mode other than nat')],
  [`${BRIDGE}.host_binding_ipv4`, lacks('publishing of ports')],
  [`${BRIDGE}.host_binding_ipv6`, lacks('publishing of ports')],
  [`${BRIDGE}.inhibit_ipv4`, done(false, flag, "a bridge without its gateway's address")],
  [`${BRIDGE}.name`, says('bridge', name)],
  [`${BRIDGE}.trusted_host_interfaces`, lacks('access from chosen interfaces of the host')],
  [`${NETWORK}.container_iface_prefix`, says('ifPrefix', name)],
  [`${NETWORK}.driver.mtu`, says('mtu', bytes)],
  [`${NETWORK}.enable_ipv4`, says('ipv4', flag)],
  [`${NETWORK}.enable_ipv6`, says('ipv6', flag)],
  [`${NETWORK}.host_ipv4`, lacks('a chosen source address for what leaves the network')],
  [`${NETWORK}.host_ipv6`, lacks('a chosen source address for what leaves the network')],
  [`${NETWORK}.internal`, says('internal', flag)],
])

type Fault = { readonly code: 'ERR_INVALID' | 'ERR_UNSUPPORTED'; readonly why: string }

/** The request with what its options say in its own fields, and without them; and all that is wrong with them. */
export function readBridgeOptions({ options = {}, ...fields }: Request): {
  readonly problems: readonly Problem[]
  readonly request: Request
} {
  const problems: Problem[] = []
  const said: Partial<Record<OptionField, Value>> = {}
  for (const [key, text] of Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const read = readOption(key, text, fields)
    if ('why' in read) {
      const message = `network ${quoted(fields.name)}: option ${quoted(key)}: ${read.why}`
      problems.push({ code: read.code, field: 'options', message })
    } else if (read.field !== undefined) said[read.field] = read.value
  }
  return { problems, request: { ...fields, ...said } as Request }
}

type Read = Fault | { readonly field?: OptionField; readonly value: Value }

function readOption(key: string, text: string, fields: Omit<Request, 'options'>): Read {
  const meaning = MEANINGS.get(key)
  if (meaning === undefined)
    return invalid(`the bridge driver knows no such option; it knows ${[...MEANINGS.keys()].join(', ')}`)
  if (meaning.kind === 'missing') return missing(`${meaning.missing} is not there yet; leave it out`)
  const value = meaning.read(text)
  if (value === undefined) return invalid(`it takes ${meaning.takes}, not ${quoted(text)}`)
  if (meaning.kind === 'says') return agreeing(meaning.field, { text, value }, fields[meaning.field])
  if (value === meaning.is) return { value }
  const is = String(meaning.is)
  return missing(`${quoted(text)}: ${meaning.missing} is not there yet; '${is}' is what is done`)
}

/** An option beside the field that it means: both say the same, or neither is believed. */
function agreeing(
  field: OptionField,
  { text, value }: { readonly text: string; readonly value: Value },
  other: Value | undefined,
): Read {
  if (other === undefined || other === value) return { field, value }
  return invalid(`it says ${quoted(text)}, and ${field} says '${String(other)}'; leave one of them out`)
}

const invalid = (why: string): Fault => ({ code: 'ERR_INVALID', why })
const missing = (why: string): Fault => ({ code: 'ERR_UNSUPPORTED', why })
