import { asPrincipalId } from '@provability-fabric/kernel';
import { integer, isLine, listOf, malformed, members, type Reader, textThat } from '../../structure.ts';
import { type ApprovalRule, type Approvers, MAX_APPROVALS, MAX_WITHIN_MS } from './rules.ts';

const role = textThat('a role of 1 to 256 characters', (text) => text.length <= 256 && isLine(text));
const principalId = textThat('a principal id', asPrincipalId);

const lists = members<Approvers>({ roles: listOf(role), ids: listOf(principalId) });

const approvers: Reader<Approvers> = (value, where) => {
  const named = lists(value, where);
  return named.roles.length + named.ids.length > 0 ? named : malformed(where, 'somebody', value);
};

function upTo(most: number): Reader<number> {
  const atLeastOne = integer(1);
  return (value, where) => {
    const number = atLeastOne(value, where);
    return number <= most ? number : malformed(where, `a whole number of at most ${most}`, value);
  };
}

export const approvalMembers = {
  approvals: upTo(MAX_APPROVALS),
  approvers,
  within_ms: upTo(MAX_WITHIN_MS),
} as const;

export const approvalRule: Reader<ApprovalRule> = members<ApprovalRule>(approvalMembers);
