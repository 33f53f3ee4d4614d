/**
 * Lint: typescript-eslint's strict, type-checked rules, and the fences of this project: who may import whom, and what the
 * pure rooms may not touch. A fence names the replacement. `test/tooling/lint.unit.test.ts` shows each of them bite.
 *
 * A rule's options are not merged when several entries match a file, so each room has one entry, put together from lists.
 */
import { builtinModules } from 'node:module'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

// ---------------------------------------------------------------- what a room may import

const packageFence = (name, message) => ({ regex: `^${name}(/|$)`, message })

const NODE = {
  regex: `^(node:|(${builtinModules.filter((name) => !name.startsWith('_')).join('|')})(/|$))`,
  message:
    'Pure rooms do no I/O: take the value, the hash function or the store as an argument (src/ports.ts).',
}
const RXJS = packageFence('rxjs', 'Pure rooms have no streams over time: fold facts here, subscribe in src/.')
const XSTATE = packageFence('xstate', 'Only machines/ runs xstate: ask machines/ (decide, evolve).')
const XSTATE_TYPES = { ...XSTATE, allowTypeImports: true } // what users of xstate see of an entity has its shapes
const LEVEL = packageFence(
  '(level|classic-level)',
  'Only src/storage/ opens a store: take a Store (src/ports.ts).',
)
const KOFFI = packageFence(
  'koffi',
  'Only src/kernel/linux/ calls libc: go through the kernel port (src/kernel/kernel.ts).',
)
const UUID = packageFence('uuid', 'Ids come with the command, from the Ids port (src/ports.ts).')
const ABSTRACT_LEVEL = {
  ...packageFence('abstract-level', 'Types only (import type): the store itself is an argument.'),
  allowTypeImports: true,
}
const OURSELVES = packageFence(
  'chronet',
  'Within the project import by path; the package name is for its users.',
)

/** Folders outside of this one, reached by `../`. */
const roomFence = (rooms, message) => ({ regex: `^(\\.\\./)+(${rooms.join('|')})(/|$)`, message })

const NOBODY_IMPORTS = ['test', 'examples', 'bench', 'scripts', 'docs']
const IMPURE = [NODE, RXJS, LEVEL, KOFFI, UUID, ABSTRACT_LEVEL, OURSELVES]

const FACES = ['server', 'plugins', 'cli', 'web', 'demo']
/** Who speaks to people or other processes stands outside of what can be asked of a chronet; the engine and its controller within. */
const WITHIN = roomFence(['operations', ...FACES], 'The engine and the controller do not know who asks.')
const NATS = packageFence('nats', 'Only src/bus/ knows nats: take a Bus (src/ports.ts).')
const FAST_CHECK = packageFence(
  'fast-check',
  'Users may not have it: only src/simulator/fast-check.ts loads it.',
)
const SRC = [
  FAST_CHECK,
  XSTATE_TYPES,
  roomFence(NOBODY_IMPORTS, 'Nothing imports tests, examples, benchmarks or scripts.'),
  OURSELVES,
  NATS,
]

// ---------------------------------------------------------------- what a room may not say

const syntax = (selector, message) => ({ selector, message })

const EVERYWHERE = [
  syntax('ExportDefaultDeclaration', 'Name the export: one word per idea, the same in every file.'),
  syntax('TSEnumDeclaration', 'Use a union of literals, or an object `as const`.'),
]
const LOCALE = syntax(
  'MemberExpression[property.name=/^(localeCompare|toLocale[A-Z]\\w*)$/]',
  "The locale is the machine's: compare with < and >, format by hand.",
)
const PURE_SYNTAX = [
  ...EVERYWHERE,
  LOCALE,
  syntax(
    'MemberExpression[object.name="Math"][property.name="random"]',
    'Chance is derived from the command id.',
  ),
  syntax('ImportExpression', 'Import statically: what is loaded must not depend on when.'),
  syntax('MetaProperty[meta.name="import"]', 'A pure module does not know where it lies.'),
]
const TURN_SYNTAX = [
  'AwaitExpression',
  'ForOfStatement[await=true]',
  ':function[async=true]',
  'CallExpression[callee.property.name="then"]',
].map((selector) =>
  syntax(
    selector,
    'A turn is synchronous, or two commands could decide on one view: fetch first, record it, then decide.',
  ),
)

const AT = "Time comes with the command: use the command's `at`."
const TIMER = 'A timer is a pair of facts; asynchrony belongs to src/ (Timers in src/ports.ts).'
const globals = (names, message) => names.map((name) => ({ message, name }))
const PURE_GLOBALS = [
  ...globals(['Date', 'performance', 'Temporal'], AT),
  ...globals(
    [
      'setTimeout',
      'setInterval',
      'setImmediate',
      'clearTimeout',
      'clearInterval',
      'clearImmediate',
      'queueMicrotask',
    ],
    TIMER,
  ),
  ...globals(
    ['process', 'navigator', 'require', 'module', '__dirname', '__filename'],
    'Settings come as arguments.',
  ),
  ...globals(
    ['crypto', 'Crypto'],
    'Ids come with the command; the hash function is an argument (Hash in src/ports.ts).',
  ),
  ...globals(['Intl'], "The locale is the machine's: compare with < and >, format by hand."),
  ...globals(['WeakRef', 'FinalizationRegistry'], 'When garbage is collected must not be visible.'),
  ...globals(['console', 'fetch', 'WebSocket', 'Worker'], 'Pure rooms do no I/O: return the value.'),
  ...globals(['globalThis', 'global'], 'Name what you need; ambient state must not be visible.'),
]

// ---------------------------------------------------------------- rooms

/** One entry: its files, and the whole of what is forbidden there. */
const room = (
  name,
  files,
  { globals: names = [], ignores = [], imports, syntax: selectors = EVERYWHERE },
) => ({
  name: `chronet/${name}`,
  files,
  ignores,
  rules: {
    '@typescript-eslint/no-restricted-imports': ['error', { patterns: imports }],
    'no-restricted-globals': ['error', ...names],
    'no-restricted-syntax': ['error', ...selectors],
  },
})
const pureRoom = (name, files, imports) =>
  room(name, files, { globals: PURE_GLOBALS, imports: [...IMPURE, ...imports], syntax: PURE_SYNTAX })

const PURE_SRC = ['src/drivers/**/*.ts', 'src/ipam/**/*.ts', 'src/reconcile/{plan,specs,marks}.ts']

const rooms = [
  pureRoom(
    'events',
    ['events/**/*.ts'],
    [
      XSTATE,
      roomFence(
        ['machines', 'projections', 'src', ...NOBODY_IMPORTS],
        'events/ is the language: it imports nothing of ours.',
      ),
    ],
  ),
  pureRoom(
    'machines',
    ['machines/**/*.ts'],
    [
      roomFence(
        ['projections'],
        'A machine decides from its own context; what crosses entities is refused in src/engine.',
      ),
      roomFence(['src', ...NOBODY_IMPORTS], 'machines/ imports events/ only.'),
    ],
  ),
  pureRoom(
    'projections',
    ['projections/**/*.ts'],
    [
      XSTATE,
      roomFence(['machines'], 'A projection folds facts; it does not ask the machines.'),
      roomFence(['src', ...NOBODY_IMPORTS], 'projections/ imports events/ only.'),
    ],
  ),
  pureRoom('src-pure', PURE_SRC, [
    XSTATE,
    roomFence(NOBODY_IMPORTS, 'Nothing imports tests, examples, benchmarks or scripts.'),
    {
      ...roomFence(['ports\\.ts', 'kernel'], 'Types only: drivers and planner are pure.'),
      allowTypeImports: true,
    },
    roomFence(
      ['engine', 'storage', 'bus', 'holder', 'cluster', ...FACES],
      'Drivers, address policies and the planner are arithmetic: they know wants and specs only.',
    ),
  ]),
  room('src', ['src/**/*.ts'], {
    ignores: [
      ...PURE_SRC,
      'src/storage/**',
      'src/kernel/linux/**',
      'src/bus/**',
      'src/simulator/fast-check.ts',
      'src/{controller,engine,operations,server}/**',
      ...FACES.map((face) => `src/${face}/**`),
    ],
    imports: [...SRC, LEVEL, KOFFI],
  }),
  room('src-fast-check', ['src/simulator/fast-check.ts'], {
    imports: [...SRC.filter((fence) => fence !== FAST_CHECK), LEVEL, KOFFI],
  }),
  room(
    'src-faces',
    FACES.filter((face) => face !== 'server').map((face) => `src/${face}/**/*.ts`),
    { imports: [...SRC, LEVEL] },
  ),
  room('src-server', ['src/server/**/*.ts'], {
    imports: [
      ...SRC,
      LEVEL,
      roomFence(['cli', 'web', 'demo'], 'Server and command line meet in src/operations only.'),
    ],
  }),
  room('src-operations', ['src/operations/**/*.ts'], {
    imports: [...SRC, LEVEL, KOFFI, roomFence(FACES, 'What can be asked does not depend on who asks.')],
  }),
  room('src-controller', ['src/controller/**/*.ts'], { imports: [...SRC, LEVEL, KOFFI, WITHIN] }),
  room('src-storage', ['src/storage/**/*.ts'], { imports: [...SRC, KOFFI] }),
  room('src-bus', ['src/bus/**/*.ts'], { imports: [...SRC.filter((fence) => fence !== NATS), LEVEL, KOFFI] }),
  room('src-linux', ['src/kernel/linux/**/*.ts'], { imports: [...SRC, LEVEL] }),
  room('src-engine', ['src/engine/**/*.ts'], {
    ignores: ['src/engine/turn.ts'],
    imports: [...SRC, LEVEL, KOFFI, WITHIN],
  }),
  room('src-turn', ['src/engine/turn.ts'], {
    imports: [...SRC, LEVEL, KOFFI, WITHIN],
    syntax: [...EVERYWHERE, ...TURN_SYNTAX],
  }),
  room('test', ['test/**/*.ts'], { imports: [] }),
  room('examples', ['examples/**/*.ts'], {
    imports: [
      {
        // Who reads the bus has NATS, and may have no chronet.
        regex: '^(?!chronet(/|$)|nats$|node:)',
        message: 'An example shows what a user can write: import chronet only.',
      },
    ],
  }),
  room('bench', ['bench/**/*.ts'], {
    // What users have, and, to time a part alone, the part itself.
    imports: [roomFence(['test', 'examples', 'scripts'], 'A benchmark stands alone.')],
  }),
]

// ---------------------------------------------------------------- all of it

const sizes = { 'max-lines': ['error', 400], 'max-lines-per-function': ['error', 60] }

const strictRules = {
  ...sizes,
  '@typescript-eslint/consistent-type-imports': 'error',
  '@typescript-eslint/no-confusing-void-expression': [
    'error',
    { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
  ],
  '@typescript-eslint/no-import-type-side-effects': 'error',
  '@typescript-eslint/no-misused-spread': ['error', { allow: [{ from: 'lib', name: 'string' }] }], // code points are meant
  '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
  '@typescript-eslint/no-unnecessary-type-arguments': 'off', // what a default happens to be is not what is meant
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
  '@typescript-eslint/require-await': 'off', // an implementation of a port may have nothing to wait for
  '@typescript-eslint/restrict-template-expressions': ['error', { allowBoolean: true, allowNumber: true }],
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  eqeqeq: 'error',
  'no-console': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
}

export default defineConfig(
  { ignores: ['dist/', 'coverage/', '.cache/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    name: 'chronet/scripts',
    files: ['**/*.{cjs,js,mjs}'],
    rules: {
      ...sizes,
      eqeqeq: 'error',
      'no-unused-vars': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    name: 'chronet/typescript',
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: strictRules,
  },
  ...rooms,
  {
    name: 'chronet/speaks-to-people',
    files: [...FACES.map((face) => `src/${face}/**/*.ts`), 'examples/**', 'bench/**', 'test/**/*.child.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    name: 'chronet/tests', // `describe` holds its tests, so its length says nothing
    files: ['test/**/*.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
)
