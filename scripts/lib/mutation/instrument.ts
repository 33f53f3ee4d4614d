/**
 * A source file with all of its mutants in it, each behind a switch that is asked at run time: `(__mutant(17) ? a <= b : a < b)`.
 * So one build serves all of them.
 *
 * The switch stands around the smallest expression that can be replaced as a whole (a chain of `?.` is one, and so is a call
 * of a method, for the sake of its `this`), or around a statement in braces: the sources have no semicolons, and a line that
 * begins with a parenthesis would continue the one before.
 */
import ts from 'typescript'
import { changesOf, type Change } from './operators.ts'

export type Mutant = {
  readonly after: string
  readonly before: string
  readonly file: string
  readonly id: number
  readonly line: number
  readonly operator: string
}

/** The instrumented text, and its mutants, numbered from `firstId`. */
export function instrument(
  file: string,
  text: string,
  firstId: number,
): { readonly mutants: readonly Mutant[]; readonly text: string } {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const mutants: Mutant[] = []
  const hosted = new Map<ts.Node, (readonly [id: number, change: Change])[]>()
  const visit = (node: ts.Node): void => {
    if (isForCompiler(node)) return
    const changes = changesOf(node)
    const host = changes.length > 0 ? hostOf(node) : undefined
    for (const change of host ? changes : []) {
      const id = firstId + mutants.length
      const line = source.getLineAndCharacterOfPosition(change.start).line + 1
      const before = text.slice(change.start, change.end)
      mutants.push({ after: change.by, before, file, id, line, operator: change.operator })
      if (host) hosted.set(host, [...(hosted.get(host) ?? []), [id, change]])
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return { mutants, text: rendered(source, text, hosted) }
}

/** What is not there at run time, or is no expression. */
const isForCompiler = (node: ts.Node): boolean =>
  (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isImportDeclaration(node) ||
  ts.isExportDeclaration(node)

/** Around what the switch can stand; undefined: nowhere. */
function hostOf(node: ts.Node): ts.Node | undefined {
  const { parent } = node
  if (ts.isBlock(node) || ts.isExpressionStatement(node)) return node
  if ((parent as { readonly name?: ts.Node }).name === node || !ts.isExpression(node)) return undefined
  return isPartOfWhole(node) ? hostOf(parent) : node
}

function isPartOfWhole(node: ts.Node): boolean {
  const { parent } = node
  if (ts.isExpressionStatement(parent)) return true
  if (ts.isPrefixUnaryExpression(parent) || ts.isPostfixUnaryExpression(parent))
    return (
      parent.operator === ts.SyntaxKind.PlusPlusToken || parent.operator === ts.SyntaxKind.MinusMinusToken
    )
  if (ts.isBinaryExpression(parent) && parent.left === node) return isAssignment(parent.operatorToken.kind)
  const isCalled = (parent as { readonly expression?: ts.Node }).expression === node
  if (ts.isCallExpression(parent) && isCalled) return true
  return isCalled && ts.isOptionalChain(node) && ts.isOptionalChain(parent)
}

const isAssignment = (kind: ts.SyntaxKind): boolean =>
  kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment

function rendered(
  source: ts.SourceFile,
  text: string,
  hosted: ReadonlyMap<ts.Node, readonly (readonly [id: number, change: Change])[]>,
): string {
  const render = (node: ts.Node): string => {
    const start = node.getStart(source)
    const inner = withChildren(node, start)
    const own = hosted.get(node) ?? []
    const replaced = ({ by, end, start: from }: Change): string =>
      text.slice(start, from) + by + text.slice(end, node.end)
    if (ts.isBlock(node) || ts.isExpressionStatement(node)) {
      if (inner === text.slice(start, node.end) && own.length === 0) return inner
      const cases = own.map(([id, change]) => `if (__mutant(${id})) { ${replaced(change)} } else `)
      return `{ ${cases.join('')}{ ${inner} } }`
    }
    if (own.length === 0) return inner
    return `(${own.map(([id, change]) => `__mutant(${id}) ? (${replaced(change)}) : `).join('')}(${inner}))`
  }
  const withChildren = (node: ts.Node, start: number): string => {
    const children: ts.Node[] = []
    ts.forEachChild(node, (child) => {
      if (!isForCompiler(child)) children.push(child)
    })
    let out = ''
    let at = start
    for (const child of children.sort((a, b) => a.pos - b.pos)) {
      out += text.slice(at, child.getStart(source)) + render(child)
      at = child.end
    }
    return out + text.slice(at, node.end)
  }
  return text.slice(0, source.getStart(source)) + withChildren(source, source.getStart(source))
}
