/**
 * Writes `docs/api.md`, what the package `chronet` exports, from the declarations behind `src/index.ts`. `npm run docs` writes
 * it; a test fails while it differs.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { find, namesOf, type Declared } from './lib/sources.ts'

/** Where the page lies. */
export const API = fileURLToPath(new URL('../docs/api.md', import.meta.url))

const INDEX = 'src/index.ts'

/** The page as it should be. */
export function api(): string {
  const all = namesOf(INDEX).flatMap((name) => find(INDEX, name) ?? [])
  return [
    '# The library',
    '',
    'Made from `src/index.ts` by `npm run docs`: change it there.',
    '',
    "What `import … from 'chronet'` gives. Facts and their fields are in the [catalogue](facts.md), error codes in their " +
      '[index](errors/README.md). `chronet/events`, `chronet/machines` and `chronet/projections` are the pure parts that it is ' +
      'made of, and `chronet/simulator` is the machine in memory for tests of your own ([the world in a seed](simulation.md)).',
    '',
    all.map(({ name }) => `[${name}](#${name.toLowerCase()})`).join(' · '),
    '',
    ...all.flatMap(entry),
  ].join('\n')
}

function entry({ declaration, doc, name, source }: Declared): string[] {
  const text = ts.isClassDeclaration(declaration)
    ? classText(declaration, source)
    : ts.isFunctionDeclaration(declaration)
      ? signature(declaration, source)
      : declaration.getText(source)
  return [
    `## ${name}`,
    '',
    ...(doc === '' ? [] : [doc, '']),
    '```ts',
    text.replace(/^export /, ''),
    '```',
    '',
  ]
}

/** A class as its users see it: no bodies, nothing private, and no constructor, since objects come from the controller. */
function classText(declaration: ts.ClassDeclaration, source: ts.SourceFile): string {
  // What it implements is its own affair.
  const heritage = (declaration.heritageClauses ?? [])
    .filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
    .map((clause) => ` ${clause.getText(source)}`)
    .join('')
  const members = declaration.members.filter(isPublic).map((member) => memberText(member, source))
  return [`class ${declaration.name?.text ?? ''}${heritage} {`, ...members, '}'].join('\n')
}

const isPublic = (member: ts.ClassElement): boolean =>
  !ts.isConstructorDeclaration(member) &&
  !(member.name !== undefined && ts.isPrivateIdentifier(member.name)) &&
  !(ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private)

function memberText(member: ts.ClassElement, source: ts.SourceFile): string {
  const doc = ts
    .getJSDocCommentsAndTags(member)
    .map((comment) => `  ${comment.getText(source)}\n`)
    .join('')
  return `${doc}  ${signature(member, source)}`
}

/** A declaration without its body, and without what a property begins with. */
function signature(node: ts.Node, source: ts.SourceFile): string {
  const body = 'body' in node ? (node.body as ts.Node | undefined) : undefined
  const first = 'initializer' in node ? (node.initializer as ts.Node | undefined) : undefined
  const end = (body ?? first)?.getStart(source) ?? node.getEnd()
  return source.text
    .slice(node.getStart(source), end)
    .replace(/\s*=?\s*$/, '')
    .replace(/^(export )?async /, '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(API, api())
