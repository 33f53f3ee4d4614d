/**
 * Makes the users of a cluster: keys of whoever sets it up (`admin`) and of each host, and what the servers are told of them. A host
 * may publish only its own log, by the id of that (`chronet cluster status --json`, as `origin`).
 *
 *   npx tsx examples/cluster/make-users.ts /etc/chronet host-a=<id> host-b=<id>          NKeys: host-a.seed …
 *   npx tsx examples/cluster/make-users.ts /etc/chronet host-a=<id> host-b=<id> --jwt    JWTs: host-a.creds …
 *
 * Beside them it writes users.conf, in place of `authorization` in nats-server.conf: `include "/etc/chronet/users.conf"`. Files with a
 * secret are of mode 0600; each belongs on its host alone. What is there is kept: who gives a further host gives all of them again.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nkeys } from 'nats'

type KeyPair = {
  readonly getPublicKey: () => string
  readonly getSeed: () => Uint8Array
  readonly sign: (bytes: Uint8Array) => Uint8Array
}
// The client's own types do not reach this part of it.
type Keys = {
  readonly createAccount: () => KeyPair
  readonly createOperator: () => KeyPair
  readonly createUser: () => KeyPair
  readonly fromSeed: (seed: Uint8Array) => KeyPair
}
type Permissions = { readonly publish: readonly string[]; readonly subscribe: readonly string[] }
type User = { readonly name: string; readonly permissions: Permissions }

const keys = nkeys as Keys
const [dir = '', ...words] = process.argv.slice(2)
const isJwt = words.includes('--jwt')
const hosts = words.filter((word) => word !== '--jwt').map(parseHost)
if (dir === '' || hosts.length === 0) throw new Error('say where to, and host=<id of its log> for each host')
mkdirSync(dir, { mode: 0o700, recursive: true })
const users: readonly User[] = [
  { name: 'admin', permissions: { publish: ['$JS.API.>'], subscribe: ['_INBOX.>'] } },
  ...hosts.map(({ name, origin }) => ({ name, permissions: permissionsOf(origin) })),
]
writeFileSync(join(dir, 'users.conf'), isJwt ? withJwts() : withNkeys())
console.log(`${join(dir, 'users.conf')}: ${users.map(({ name }) => name).join(', ')}`)

function parseHost(word: string): { readonly name: string; readonly origin: string } {
  const [, name, origin] = /^([a-z0-9][a-z0-9.-]*)=([0-9a-f]{64})$/.exec(word) ?? []
  if (name === undefined || origin === undefined)
    throw new Error(`'${word}' is no <host>=<64 hex digits, the id of its log>`)
  return { name, origin }
}

/** What a host does: it publishes its log and claims, and reads. It makes and removes no stream, and no message of one. */
function permissionsOf(origin: string): Permissions {
  const reads = ['CHRONET_LOG', 'CHRONET_CLAIMS'].flatMap((stream) => [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.DELETE.${stream}.>`,
    `$JS.API.CONSUMER.INFO.${stream}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
  ])
  const publish = [`chronet.log.${origin}`, 'chronet.claim.>', '$JS.API.INFO', ...reads]
  return { publish, subscribe: ['_INBOX.>'] }
}

/** The key of a file; made, if there is none. */
function keyIn(file: string, make: () => KeyPair): KeyPair {
  const path = join(dir, file)
  if (!existsSync(path)) writeFileSync(path, make().getSeed(), { mode: 0o600 })
  return keys.fromSeed(readFileSync(path))
}

function withNkeys(): string {
  const told = users.map(({ name, permissions }) => {
    const nkey = keyIn(`${name}.seed`, keys.createUser).getPublicKey()
    return `  # ${name}\n  ${JSON.stringify({ nkey, permissions }, null, 2).replaceAll('\n', '\n  ')}`
  })
  return `authorization {\n  users: [\n${told.join('\n')}\n  ]\n}\n`
}

/** Users of an account that an operator made: the servers know operator and account alone, and a further host needs no word to them. */
function withJwts(): string {
  const operator = keyIn('operator.seed', keys.createOperator)
  const [account, system] = ['account', 'system'].map((name) =>
    keyIn(`${name}.seed`, keys.createAccount),
  ) as [KeyPair, KeyPair]
  for (const { name, permissions } of users) {
    const key = keyIn(`${name}.seed`, keys.createUser)
    const { publish, subscribe } = permissions
    const rights = { pub: { allow: publish }, sub: { allow: subscribe } }
    const jwt = signed(account, key, name, { ...rights, data: -1, payload: -1, subs: -1, type: 'user' })
    writeFileSync(join(dir, `${name}.creds`), credentials(jwt, key), { mode: 0o600 })
  }
  const unlimited = {
    conn: -1,
    data: -1,
    exports: -1,
    imports: -1,
    leaf: -1,
    payload: -1,
    subs: -1,
    wildcards: true,
  }
  const stored = { consumer: -1, disk_storage: -1, mem_storage: -1, streams: -1 }
  const accountJwt = signed(operator, account, 'chronet', {
    limits: { ...unlimited, ...stored },
    type: 'account',
  })
  const systemJwt = signed(operator, system, 'system', { limits: unlimited, type: 'account' })
  const systemKey = system.getPublicKey()
  const operatorJwt = signed(operator, operator, 'operator', { system_account: systemKey, type: 'operator' })
  return [
    `operator: ${operatorJwt}`,
    `system_account: ${systemKey}`,
    'resolver: MEMORY',
    `resolver_preload: {\n  ${account.getPublicKey()}: ${accountJwt}\n  ${systemKey}: ${systemJwt}\n}\n`,
  ].join('\n')
}

/** A JWT of NATS, version 2: who signs it, whom it is of, and what that may do. */
function signed(by: KeyPair, of: KeyPair, name: string, claims: object): string {
  const iat = Math.floor(Date.now() / 1000)
  const body = { iat, iss: by.getPublicKey(), jti: `${name}-${iat}`, name, nats: { ...claims, version: 2 } }
  const text = [
    { alg: 'ed25519-nkey', typ: 'JWT' },
    { ...body, sub: of.getPublicKey() },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${Buffer.from(by.sign(Buffer.from(text))).toString('base64url')}`
}

function credentials(jwt: string, key: KeyPair): string {
  const seed = Buffer.from(key.getSeed()).toString()
  return [
    `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------`,
    `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
  ].join('\n\n')
}
