/**
 * Mutation operators: the small changes that a mistake might have made to one node of the syntax tree. None looks at types.
 *
 * A change that another one implies is left out: where a condition is tried as true and as false, turning `===` into `!==` adds
 * nothing. Texts with white space in them are sentences for people, and stay. A condition under `&&` is tried as true only,
 * and one under `||` as false only: the other way is the same as for the whole.
 */
import ts from 'typescript'

/** A piece of the source, and what stands there instead. */
export type Change = {
  readonly by: string
  readonly end: number
  readonly operator: string
  readonly start: number
}

const { SyntaxKind: Kind } = ts

const ARITHMETIC = new Map<ts.SyntaxKind, string>([
  [Kind.PlusToken, '-'],
  [Kind.MinusToken, '+'],
  [Kind.AsteriskToken, '/'],
  [Kind.AsteriskAsteriskToken, '*'],
  [Kind.SlashToken, '*'],
  [Kind.PercentToken, '*'],
  [Kind.LessThanLessThanToken, '>>'],
  [Kind.GreaterThanGreaterThanToken, '<<'],
  [Kind.GreaterThanGreaterThanGreaterThanToken, '<<'],
  [Kind.AmpersandToken, '|'],
  [Kind.BarToken, '&'],
  [Kind.CaretToken, '&'],
  [Kind.PlusEqualsToken, '-='],
  [Kind.MinusEqualsToken, '+='],
  [Kind.CaretEqualsToken, '&='],
  [Kind.BarEqualsToken, '&='],
  [Kind.QuestionQuestionEqualsToken, '='],
])
const BOUNDARY = new Map<ts.SyntaxKind, string>([
  [Kind.LessThanToken, '<='],
  [Kind.LessThanEqualsToken, '<'],
  [Kind.GreaterThanToken, '>='],
  [Kind.GreaterThanEqualsToken, '>'],
])
const LOGICAL = new Map<ts.SyntaxKind, string>([
  [Kind.AmpersandAmpersandToken, '||'],
  [Kind.BarBarToken, '&&'],
  [Kind.QuestionQuestionToken, '&&'],
])
const EQUALITY = new Set([
  Kind.EqualsEqualsEqualsToken,
  Kind.ExclamationEqualsEqualsToken,
  Kind.InKeyword,
  Kind.InstanceOfKeyword,
])
/** Methods by what may be meant instead; `undefined`: left out, so that what they are called on stays as it is. */
const METHODS = new Map<string, string | undefined>([
  ...Object.entries({ ceil: 'floor', every: 'some', find: 'findLast', indexOf: 'lastIndexOf', max: 'min' }),
  ...Object.entries({ findLast: 'find', floor: 'ceil', lastIndexOf: 'indexOf', min: 'max', some: 'every' }),
  ...Object.entries({ endsWith: 'startsWith', padStart: 'padEnd', push: 'unshift', startsWith: 'endsWith' }),
  ...['filter', 'flat', 'reverse', 'slice', 'sort', 'toLowerCase', 'toReversed', 'trim'].map(
    (name) => [name, undefined] as const,
  ),
])

/** All changes of one node itself, not of those within it. */
export function changesOf(node: ts.Node): readonly Change[] {
  const instead =
    (operator: string, at: ts.Node = node) =>
    (by: string): Change => ({ by, end: at.end, operator, start: at.getStart() })
  return [
    ...conditionsOf(node).map(instead('condition')),
    ...(ts.isBinaryExpression(node) ? binary(node) : []),
    ...unary(node).map(instead('negation')),
    ...literal(node).map(instead('literal')),
    ...(isRemovable(node) ? [instead('block')('{}')] : []),
    ...(isStatementOfMany(node) ? [instead('statement')('{}')] : []),
    ...(hasPlainBody(node) ? [instead('body', node.body)('undefined')] : []),
    ...(isLink(node)
      ? [instead('chain', node.questionDotToken)(ts.isPropertyAccessExpression(node) ? '.' : '')]
      : []),
    ...method(node),
  ]
}

/** What a condition is tried as: see the head of this file. */
function conditionsOf(node: ts.Node): readonly ('false' | 'true')[] {
  if (!ts.isExpression(node) || ts.isParenthesizedExpression(node) || isTruth(node)) return []
  let inner: ts.Node = node
  while (ts.isParenthesizedExpression(inner.parent)) inner = inner.parent
  const { parent } = inner
  if (ts.isBinaryExpression(parent)) {
    const operator = parent.operatorToken.kind
    const plain = !ts.isObjectLiteralExpression(node) && !ts.isArrayLiteralExpression(node)
    if (operator === Kind.AmpersandAmpersandToken) return plain ? ['true'] : []
    if (operator === Kind.BarBarToken) return plain ? ['false'] : []
  }
  if ((ts.isIfStatement(parent) || ts.isConditionalExpression(parent)) && isTest(parent, inner))
    return ['false', 'true']
  if (ts.isWhileStatement(parent) && parent.expression === inner) return ['false']
  if (ts.isForStatement(parent) && parent.condition === inner) return ['false']
  return isComparison(node) && !isAsserted(inner) ? ['false', 'true'] : []
}

const isTest = (parent: ts.ConditionalExpression | ts.IfStatement, node: ts.Node): boolean =>
  (ts.isIfStatement(parent) ? parent.expression : parent.condition) === node

const isComparison = (node: ts.Node): boolean =>
  ts.isBinaryExpression(node) &&
  (BOUNDARY.has(node.operatorToken.kind) || EQUALITY.has(node.operatorToken.kind))

/** What is asserted as true is not asserted, which leaving the assertion out is as well. */
const isAsserted = ({ parent }: ts.Node): boolean =>
  ts.isCallExpression(parent) && ts.isIdentifier(parent.expression) && parent.expression.text === 'assert'

const isTruth = (node: ts.Node): boolean => node.kind === Kind.TrueKeyword || node.kind === Kind.FalseKeyword

function binary(node: ts.BinaryExpression): readonly Change[] {
  const { left, operatorToken: token, right } = node
  const swapped = (operator: string, by: string | undefined): readonly Change[] => {
    if (by === undefined) return []
    const text = by.endsWith('=') && !BOUNDARY.has(token.kind) ? left.getText() : `(${left.getText()})`
    return [{ by: `${text} ${by} (${right.getText()})`, end: node.end, operator, start: node.getStart() }]
  }
  const joins = token.kind === Kind.PlusToken && (isText(left) || isText(right))
  return [
    ...swapped('arithmetic', joins ? undefined : ARITHMETIC.get(token.kind)),
    ...swapped('boundary', BOUNDARY.get(token.kind)),
    ...swapped('logic', LOGICAL.get(token.kind)),
  ]
}

const isText = (node: ts.Node): boolean => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)

function unary(node: ts.Node): readonly string[] {
  if (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) {
    const { operand, operator } = node
    if (operator === Kind.PlusPlusToken) return [`${operand.getText()}--`]
    if (operator === Kind.MinusMinusToken) return [`${operand.getText()}++`]
    return [operand.getText()]
  }
  return []
}

function literal(node: ts.Node): readonly string[] {
  if (isTruth(node)) return [node.kind === Kind.TrueKeyword ? 'false' : 'true']
  if (ts.isArrayLiteralExpression(node)) return node.elements.length === 0 ? [] : ['[]']
  if (ts.isObjectLiteralExpression(node)) return node.properties.length === 0 ? [] : ['{}']
  if (ts.isRegularExpressionLiteral(node)) return withoutAnchors(node.text)
  if (!isText(node) || isCompared(node)) return []
  const text = node.getText().slice(1, -1)
  return /\s/.test(text) ? [] : [text === '' ? "'mutant'" : "''"]
}

const isCompared = ({ parent }: ts.Node): boolean => isComparison(parent)

const withoutAnchors = (text: string): readonly string[] =>
  [text.replace(/^\/\^/, '/'), text.replace(/\$(\/\w*)$/, '$1')].filter((other) => other !== text)

/** Bodies that can be left out, but of conditions and counting loops: to leave those out is the same as a false condition. */
function isRemovable(node: ts.Node): boolean {
  if (!ts.isBlock(node) || node.statements.length === 0) return false
  const { parent } = node
  if (ts.isIfStatement(parent)) return parent.elseStatement !== undefined
  return !ts.isForStatement(parent) && !ts.isWhileStatement(parent)
}

/** A statement that is not all of its block, or that is a loop's: to leave it out is no other change as well. */
function isStatementOfMany(node: ts.Node): boolean {
  if (!ts.isExpressionStatement(node) || isSuper(node.expression)) return false
  const { parent } = node
  if (ts.isBlock(parent)) return parent.statements.length > 1
  if (ts.isIfStatement(parent)) return parent.elseStatement !== undefined
  return ts.isCaseOrDefaultClause(parent) || ts.isForOfStatement(parent)
}

const isSuper = (node: ts.Node): boolean =>
  ts.isCallExpression(node) && node.expression.kind === Kind.SuperKeyword

/** An arrow function that gives something, and nothing that is changed anyway. */
function hasPlainBody(node: ts.Node): node is ts.ArrowFunction {
  if (!ts.isArrowFunction(node) || ts.isBlock(node.body)) return false
  const { body } = node
  return (
    !isComparison(body) &&
    literal(body).length === 0 &&
    !ts.isParenthesizedExpression(body) &&
    body.getText() !== 'undefined'
  )
}

type Link = (ts.CallExpression | ts.ElementAccessExpression | ts.PropertyAccessExpression) & {
  readonly questionDotToken: ts.QuestionDotToken
}
const isLink = (node: ts.Node): node is Link =>
  (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) || ts.isCallExpression(node)) &&
  node.questionDotToken !== undefined

function method(node: ts.Node): readonly Change[] {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return []
  const { expression: receiver, name } = node.expression
  if (!METHODS.has(name.text)) return []
  const by = METHODS.get(name.text)
  return [
    by === undefined
      ? { by: receiver.getText(), end: node.end, operator: 'method', start: node.getStart() }
      : { by, end: name.end, operator: 'method', start: name.getStart() },
  ]
}
