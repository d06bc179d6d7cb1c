import { CHECKS, type LoadedBundle, REASON_CODES } from '@provability-fabric/policy';
import type { CertifiedReason, Mode, PermissionCertificate, Verdict } from '@provability-fabric/statements';
import { differences, shorten } from './difference.ts';

const STRENGTH: Readonly<Record<Mode, number>> = { shadow: 0, monitor: 1, enforce: 2 };
const PRECEDENCE: Readonly<Record<Verdict, number>> = { accept: 0, hold: 1, reject: 2, error: 3 };
const MODES = ['shadow', 'monitor', 'enforce'] as const;

/**
 * Whether a certificate's verdict and effect follow from its own reasons (CONTRACTS §4), for when the inputs
 * are gone. Written out here a second time, and not taken from the policy package: that one combines
 * findings, which a certificate no longer has, and a rule that both sides share could be wrong on both.
 */
export function combinationProblems(
  certificate: PermissionCertificate,
  bundle: LoadedBundle | undefined,
  environment: Mode | 'disabled',
): readonly string[] {
  const { reasons, verdict, effect, mode, checks, approval } = certificate;
  const high = bundle?.ir.assurance === 'high';
  const limit: Mode = high ? 'enforce' : environment === 'disabled' ? 'shadow' : environment;
  const problems = reasons.flatMap((reason) => reasonProblems(reason, bundle, limit));
  const blocking = reasons.filter((reason) => reason.mode === 'enforce');
  const modeInForce =
    bundle === undefined ? mode : combinedMode(reasons, limit, environment === 'disabled' && !high);
  const expected = {
    verdict: worst(reasons),
    effect: blocking.length === 0 ? 'allow' : worst(blocking) === 'hold' ? 'hold' : 'block',
    mode: modeInForce,
    checks: checksOf(certificate, bundle).map((check) => ({
      check,
      verdict: worst(reasons.filter((reason) => reason.check === check)),
    })),
  };
  problems.push(...differences(expected, { verdict, effect, mode, checks: ownChecks(checks, bundle) }));
  if ((effect === 'hold') !== (approval !== null) && effect !== 'allow')
    problems.push(
      '`approval`: expected a ticket where the action is held, and only there or where it was approved',
    );
  if (reasons.slice(0, blocking.length).some((reason) => reason.mode !== 'enforce')) {
    problems.push('`reasons`: expected those that block before those that do not');
  }
  return problems;
}

/**
 * The bundle says whether anything in it can wait for an approval or uses secrets; where it is not known, the certificate
 * does. That a secret was exposed is found under every bundle.
 */
function checksOf(
  { checks, reasons }: PermissionCertificate,
  bundle: LoadedBundle | undefined,
): readonly string[] {
  const isNamed = (check: string) => checks.some((named) => named.check === check);
  if (bundle === undefined)
    return CHECKS.filter((check) => (check !== 'holds' && check !== 'secrets') || isNamed(check));
  const wasExposed = reasons.some(({ code }) => code === 'SECRET_EXPOSED');
  return CHECKS.filter((check) => bundle.checks.includes(check) || (check === 'secrets' && wasExposed));
}

/** Without the releases that were used: each is a check of its own, which found nothing wrong. */
function ownChecks(checks: PermissionCertificate['checks'], bundle: LoadedBundle | undefined) {
  const releases = bundle && new Set(bundle.releases.map(({ id }) => `release:${id}`));
  return checks
    .filter(
      ({ check, verdict }) => verdict !== 'accept' || !(releases?.has(check) ?? check.startsWith('release:')),
    )
    .map((check) => ({ ...check }));
}

function reasonProblems(reason: CertifiedReason, bundle: LoadedBundle | undefined, limit: Mode): string[] {
  const problems: string[] = [];
  const { check, code, clause, mode, severity } = reason;
  if (!CHECKS.some((known) => known === check))
    problems.push(`expected a known check, came \`${shorten(check)}\``);
  if (!REASON_CODES.some((known) => known === code))
    problems.push(`expected a known reason code, came \`${shorten(code)}\``);
  if (clause === null) {
    // Default deny has the bundle's default mode or a weaker one; what no clause and no default explains, nothing weakens.
    const byDefault = check === 'permit' && code === 'NOT_PERMITTED' && severity === 'medium';
    const strongest = bundle === undefined ? 'enforce' : weaker(bundle.ir.default_mode, limit);
    const weakest = bundle?.ir.assurance === 'high' || !byDefault ? 'enforce' : 'shadow';
    const wrong = byDefault ? STRENGTH[mode] > STRENGTH[strongest] : severity !== 'critical';
    if (wrong || STRENGTH[mode] < STRENGTH[weakest]) {
      problems.push(
        `expected \`${shorten(code)}\` without a clause to block, came mode ${mode}, severity \`${shorten(severity)}\``,
      );
    }
  } else if (bundle !== undefined) {
    const rule = bundle.clauses.get(clause);
    if (rule === undefined) problems.push(`expected a clause of the bundle, came \`${shorten(clause)}\``);
    else
      problems.push(
        ...differences({ mode: weaker(rule.mode, limit), severity: rule.severity }, { mode, severity }),
      );
  }
  return problems;
}

function combinedMode(
  reasons: readonly CertifiedReason[],
  limit: Mode,
  disabled: boolean,
): Mode | 'disabled' {
  const strongest = MODES.findLast((mode) => reasons.some((reason) => reason.mode === mode));
  if (disabled) return strongest === 'enforce' ? 'enforce' : 'disabled';
  return strongest ?? limit;
}

function worst(reasons: readonly CertifiedReason[]): Verdict {
  return reasons
    .map(verdictOf)
    .reduce<Verdict>((sofar, next) => (PRECEDENCE[next] > PRECEDENCE[sofar] ? next : sofar), 'accept');
}

function verdictOf({ code }: CertifiedReason): Verdict {
  if (code === 'APPROVAL_REQUIRED' || code === 'APPROVAL_EXPIRED') return 'hold';
  return code === 'EVAL_ERROR' ? 'error' : 'reject';
}

function weaker(a: Mode, b: Mode): Mode {
  return STRENGTH[a] <= STRENGTH[b] ? a : b;
}
