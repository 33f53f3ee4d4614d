/**
 * The sources read as text with structure, by the compiler's parser: what documents are made of that must say what the code
 * says. Nothing is checked here, and no type is resolved; `npm run types` does that.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A declaration that a file exports, under the name by which it does. */
export type Declared = {
  readonly declaration: ts.DeclarationStatement
  /** Its doc comment as one paragraph, without tags. */
  readonly doc: string
  readonly name: string
  readonly source: ts.SourceFile
}

/** A file of the checkout, by its path from the root. */
export function sourceOf(path: string): ts.SourceFile {
  const known = read.get(path)
  if (known) return known
  const source = ts.createSourceFile(path, readFileSync(ROOT + path, 'utf8'), ts.ScriptTarget.Latest, true)
  read.set(path, source)
  return source
}

/** Each file is read once: `find` passes through the same ones for every name. */
const read = new Map<string, ts.SourceFile>()

/** The TypeScript files of a folder, by path from the root, in order. */
export const filesIn = (folder: string): readonly string[] =>
  readdirSync(ROOT + folder)
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => `${folder}/${name}`)

/** Types, interfaces, classes and functions that a file declares for others, in its order. */
export function exportsOf(source: ts.SourceFile): readonly Declared[] {
  return source.statements.filter(isDeclaration).flatMap((declaration) => {
    const name = declaration.name?.text
    const isExported = ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Export
    return name !== undefined && isExported ? [{ declaration, doc: docOf(declaration), name, source }] : []
  })
}

type Named = ts.ClassDeclaration | ts.FunctionDeclaration | ts.InterfaceDeclaration | ts.TypeAliasDeclaration

const isDeclaration = (node: ts.Statement): node is Named =>
  ts.isClassDeclaration(node) ||
  ts.isFunctionDeclaration(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node)

/** A node's doc comment as one paragraph; tags other than `@throws` and `@returns` are for whoever reads the code. */
export function docOf(node: ts.Node): string {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).slice(-1)
  if (doc === undefined) return ''
  const told = (doc.tags ?? []).filter(({ tagName: { text } }) => text === 'throws' || text === 'returns')
  const tags = told.map((tag) => `${tag.tagName.text === 'throws' ? 'Throws' : 'Returns'} ${tagText(tag)}`)
  return [plain(ts.getTextOfJSDocComment(doc.comment) ?? ''), ...tags.map(asSentence)].join(' ').trim()
}

/** The type in braces is part of what a tag says. */
const tagText = (tag: ts.JSDocTag): string => {
  const thrown =
    'typeExpression' in tag ? (tag.typeExpression as ts.JSDocTypeExpression | undefined) : undefined
  const type = thrown === undefined ? '' : `${thrown.type.getText()}: `
  return type + plain(ts.getTextOfJSDocComment(tag.comment) ?? '')
}

const asSentence = (text: string): string => (/[.:!?]$/.test(text) ? text : `${text}.`)

/** One line, links by their words. */
const plain = (text: string): string =>
  text
    .replace(/\{@link ([^}]*)\}/g, '`$1`')
    .replace(/\s+/g, ' ')
    .trim()

const printer = ts.createPrinter({ removeComments: true })

/** A node as the compiler would print it, without comments. */
export const textOf = (node: ts.Node, source: ts.SourceFile): string =>
  styled(printer.printNode(ts.EmitHint.Unspecified, node, source))

/** The printer's style as ours: two spaces, no semicolons at the ends of lines. */
const styled = (text: string): string =>
  text.replace(/^( {4})+/gm, (indent) => ' '.repeat(indent.length / 2)).replace(/;$/gm, '')

/** The same on one line, as a cell of a table takes it. */
export const cellOf = (node: ts.Node, source: ts.SourceFile): string =>
  cellText(printer.printNode(ts.EmitHint.Unspecified, node, source).replace(/\breadonly (?!\w+\[\])/g, ''))

/** Text of one line, in which no bar ends the cell. */
export const cellText = (text: string): string =>
  text.replace(/\s+/g, ' ').replace(/; \}/g, ' }').replace(/\|/g, '\\|')

/** The declaration that a file exports under a name, its own or another file's. */
export function find(path: string, name: string): Declared | undefined {
  const source = sourceOf(path)
  const own = exportsOf(source).find((each) => each.name === name)
  if (own) return own
  for (const statement of source.statements) {
    if (!ts.isExportDeclaration(statement) || !statement.moduleSpecifier) continue
    const names =
      statement.exportClause && ts.isNamedExports(statement.exportClause) ? statement.exportClause : undefined
    const here = names?.elements.find((element) => element.name.text === name)
    if (names && !here) continue
    const from = (statement.moduleSpecifier as ts.StringLiteral).text
    const found = find(join(dirname(path), from), here?.propertyName?.text ?? name)
    if (found) return found
  }
  return undefined
}

/** The names that a file re-exports, in its order. */
export const namesOf = (path: string): readonly string[] =>
  sourceOf(path)
    .statements.filter(ts.isExportDeclaration)
    .flatMap(({ exportClause }) =>
      exportClause && ts.isNamedExports(exportClause)
        ? exportClause.elements.map(({ name }) => name.text)
        : [],
    )
