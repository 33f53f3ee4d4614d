/**
 * Writes `docs/facts.md`, the catalogue of facts, from the types in `events/` and the machines that emit them. `npm run docs`
 * writes it; a test fails while it differs.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { chartOf, MACHINES } from '../machines/index.ts'
import {
  cellOf,
  cellText,
  docOf,
  exportsOf,
  filesIn,
  sourceOf,
  textOf,
  type Declared,
} from './lib/sources.ts'

/** Where the catalogue lies. */
export const CATALOGUE = fileURLToPath(new URL('../docs/facts.md', import.meta.url))

/** Files of facts, with the stream that theirs stand in. */
const CHAPTERS = [
  ['network', 'network/<id>'],
  ['endpoint', 'endpoint/<id>'],
  ['sandbox', 'sandbox/<id>'],
  ['effects', 'effects'],
  ['host', 'host'],
  ['claims', 'host'],
] as const

/** A fact's type with its parts: `Fact<'Name', 1, { … }>`. */
type FactType = { readonly data: ts.TypeNode; readonly declared: Declared; readonly v: string }

/** The catalogue as it should be. */
export function catalogue(): string {
  const files = CHAPTERS.map(([file, stream]) => ({ facts: factsIn(`events/${file}.ts`), file, stream }))
  const shapes = shapesOf(files.flatMap(({ facts }) => facts.map(({ data }) => data)))
  return [
    ...HEAD,
    ...files.map(
      ({ facts, file }) => `- **${file}**: ${facts.map(({ declared: { name } }) => link(name)).join(', ')}`,
    ),
    '',
    ...files.flatMap(({ facts, file, stream }) => [
      `## ${title(file)}`,
      '',
      `Stream \`${stream}\`, [\`events/${file}.ts\`](../events/${file}.ts).`,
      '',
      ...facts.flatMap((fact) => entry(fact)),
    ]),
    '## Shapes',
    '',
    'What the fields above are made of.',
    '',
    ...shapes.flatMap(shape),
  ].join('\n')
}

const HEAD: readonly string[] = [
  '# The catalogue of facts',
  '',
  'Made from `events/*.ts` and the machines by `npm run docs`: change it there.',
  '',
  'A fact is `{ data, stream, type, v, version }`: `v` is the version of its shape, `version` its place in its stream. Facts that ' +
    'one command wrote stand in one commit, with who asked, when, and for what. A fact never is refused and never changes; a ' +
    'shape that has to change gets a new `v`, and old ones are read for ever.',
  '',
]

const title = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
const link = (name: string): string => `[${name}](#${name.toLowerCase()})`

/** The facts that a file declares. */
function factsIn(path: string): readonly FactType[] {
  return exportsOf(sourceOf(path)).flatMap((declared) => {
    const { declaration } = declared
    if (!ts.isTypeAliasDeclaration(declaration) || !ts.isTypeReferenceNode(declaration.type)) return []
    const [name, v, data] = declaration.type.typeArguments ?? []
    if (declaration.type.typeName.getText() !== 'Fact' || !name || !v || !data) return []
    return [{ data, declared, v: v.getText() }]
  })
}

function entry({ data, declared: { doc, name, source }, v }: FactType): string[] {
  const since = /\s*Since v(\d+)\./.exec(doc)
  // Who emits it is asked of the machines, who know better than a comment.
  const text = doc.replace(since?.[0] ?? '', '').replace(/\s*By: [^.]*\./, '')
  return [
    `### ${name}`,
    '',
    text,
    '',
    `\`v\` ${v} · ${emitter(name)}${since ? ` · since v${since[1]}` : ''}`,
    '',
    '| field | type | |',
    '| --- | --- | --- |',
    ...fieldsOf(data).map(
      ({ doc: about, name: field, optional, type }) =>
        `| \`${field}\`${optional ? ' (may be absent)' : ''} | \`${cellOf(type, source)}\` | ${cellText(about)} |`,
    ),
    '',
  ]
}

/** Who emits a fact: the machine and its commands, from the charts; else the engine itself. */
function emitter(fact: string): string {
  const commands = new Set<string>()
  const kinds = new Set<string>()
  for (const [kind, machine] of Object.entries(MACHINES))
    for (const state of chartOf(machine).states.values())
      for (const [command, ways] of state.commands)
        if (ways.some(({ emits }) => emits.includes(fact))) {
          commands.add(`\`${command}\``)
          kinds.add(kind)
        }
  if (kinds.size === 0) return 'by the engine'
  return `by the ${[...kinds].join(', ')} machine, on ${[...commands].sort().join(', ')}`
}

type Field = {
  readonly doc: string
  readonly name: string
  readonly optional: boolean
  readonly type: ts.TypeNode
}

const fieldsOf = (data: ts.TypeNode): readonly Field[] =>
  !ts.isTypeLiteralNode(data)
    ? []
    : data.members.filter(ts.isPropertySignature).flatMap((member) => {
        const { name, questionToken, type } = member
        return type === undefined
          ? []
          : [{ doc: docOf(member), name: name.getText(), optional: questionToken !== undefined, type }]
      })

/** All that the fields name, and what that names, in alphabetical order. */
function shapesOf(fields: readonly ts.Node[]): readonly Declared[] {
  const known = new Map(
    filesIn('events').flatMap((path) => exportsOf(sourceOf(path)).map((each) => [each.name, each] as const)),
  )
  const found = new Map<string, Declared>()
  const visit = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node)) {
      const name = node.typeName.getText()
      const declared = known.get(name)
      if (declared && !found.has(name)) {
        found.set(name, declared)
        visit(declared.declaration)
      }
    }
    ts.forEachChild(node, visit)
  }
  for (const field of fields) visit(field)
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What is only text with a name, as ids are, needs no definition. */
function shape({ declaration, doc, name, source }: Declared): string[] {
  const text = textOf(declaration, source).replace(/^export /, '')
  const isBrand = text.includes('Brand<')
  const own = isBrand ? [] : ['```ts', text, '```', '']
  const fields = ts.isTypeAliasDeclaration(declaration) && !isBrand ? fieldsOf(declaration.type) : []
  const told = fields.filter((field) => field.doc !== '').map((field) => `- \`${field.name}\`: ${field.doc}`)
  return [
    `### ${name}`,
    '',
    ...(doc === '' ? [] : [doc, '']),
    ...own,
    ...told,
    ...(told.length > 0 ? [''] : []),
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(CATALOGUE, catalogue())
