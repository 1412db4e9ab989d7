/** What one configuration that was committed makes of those in the one before it, in events to be counted. */

import type { StatedConfiguration } from '../checkers/stated-configuration.js';

export function whoMoved(before: StatedConfiguration | null, after: StatedConfiguration): readonly string[] {
  if (before === null) return [];
  const events: string[] = [];
  for (const id of after.learners) if (!before.learners.includes(id)) events.push('learners added');
  for (const id of before.learners) if (!after.isMember(id)) events.push('learners removed');
  if (!before.isJoint || after.isJoint) return events;
  const come = after.voters.filter((id) => !before.oldVoters!.includes(id)).length;
  const gone = before.oldVoters!.filter((id) => !after.voters.includes(id)).length;
  if (come > 0) events.push('learners promoted');
  events.push(come === 0 ? 'members removed' : gone === 0 ? 'members added' : 'members replaced');
  return events;
}
