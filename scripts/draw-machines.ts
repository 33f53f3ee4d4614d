/**
 * Draws each machine into `docs/machines/<kind>.md`: a chart for mermaid, and a table of all that each state takes.
 * `npm run docs` writes them; a test fails while they differ from the machines.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Chart, StateChart } from '../machines/index.ts'
import { chartOf, MACHINES } from '../machines/index.ts'

/** Where the drawings lie. */
export const DRAWINGS = fileURLToPath(new URL('../docs/machines/', import.meta.url))

/** Every file of {@link DRAWINGS} by its name, as it should be. */
export const drawings = (): readonly (readonly [string, string])[] =>
  Object.entries(MACHINES).map(([kind, machine]) => [`${kind}.md`, draw(chartOf(machine))] as const)

/** One machine's page. */
function draw(chart: Chart): string {
  const states = [...chart.states]
  return [
    `# The life of ${chart.kind === 'endpoint' ? 'an' : 'a'} ${chart.kind}`,
    '',
    `Drawn from \`machines/${chart.kind}.ts\` by \`npm run docs\`: change it there.`,
    '',
    'Facts move; they are the arrows. Commands emit and never move; they are in the table, with what must hold.',
    '',
    '```mermaid',
    'stateDiagram-v2',
    `  [*] --> ${chart.initial}`,
    ...states.flatMap(([name, state]) => arrows(name, state)),
    '```',
    '',
    '| state | command or fact | if | what follows |',
    '| --- | --- | --- | --- |',
    ...states.flatMap(([name, state]) => rows(name, state)),
    '',
  ].join('\n')
}

/** Facts between the same two states share an arrow. */
function arrows(name: string, state: StateChart): string[] {
  const targets = new Map<string, string[]>()
  for (const [type, { target }] of state.facts) targets.set(target, [...(targets.get(target) ?? []), type])
  const drawn = [...targets].map(([target, types]) => `  ${name} --> ${target}: ${types.join(', ')}`)
  return state.final ? [...drawn, `  ${name} --> [*]`] : drawn
}

/** Of several ways for one command the first that fits is taken, so their order stands. */
function rows(name: string, state: StateChart): string[] {
  const commands = [...state.commands].flatMap(([type, ways]) =>
    ways.map((way) => {
      const guards = way.guards.map((guard) => words(guard.name)).join(' and ')
      return `| ${name} | \`${type}\` | ${guards} | emits ${way.emits.join(', ')} |`
    }),
  )
  const facts = [...state.facts].map(([type, { target }]) => {
    const follows = target === name ? 'stays' : `moves to ${target}`
    return `| ${name} | ${type} | | ${follows} |`
  })
  return [...commands, ...facts]
}

/** `planIsCurrent` as a sentence. */
const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(DRAWINGS, { recursive: true })
  for (const [name, text] of drawings()) writeFileSync(`${DRAWINGS}${name}`, text)
}
