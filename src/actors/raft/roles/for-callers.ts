/**
 * What every role does for its own node: it keeps what callers submit and ask until something comes of it, and notes
 * how objects and storage keep up.
 */

import { logIndex } from '../../../ids.js';
import type { Handlers } from '../handlers.js';
import { onChangeReply, onTransferReply, onVersionReply } from '../asking-leader.js';
import type { Role } from '../state.js';
import { onSubmissionsApplied } from '../submitting.js';

type ForCallers =
  | 'submit'
  | 'submissionsApplied'
  | 'submissionsRefused'
  | 'read'
  | 'applied'
  | 'codeVersionApplied'
  | 'storageLag'
  | 'changeReply'
  | 'versionReply'
  | 'transferReply';

export const forCallers: Pick<Handlers<Role>, ForCallers> = {
  submit: (core, role, { content }) => {
    core.submissions.add(content);
    return role;
  },
  submissionsApplied: (core, role, { count }) => {
    onSubmissionsApplied(core, count);
    return role;
  },
  submissionsRefused: (core, role) => {
    core.submissions.rewindOnRefusal();
    return role;
  },
  read: (core, role, { readId, lease, timeoutMs }) => {
    core.reads.add(readId, lease, core.nowMs + timeoutMs);
    return role;
  },
  storageLag: (core, role, { isBehind }) => {
    core.storageBehindSinceMs = isBehind ? core.nowMs : null;
    return role;
  },
  // Who was asked may have stopped leading since, and this node lead.
  changeReply: (core, role, message) => {
    onChangeReply(core, message);
    return role;
  },
  versionReply: (core, role, message) => {
    onVersionReply(core, message);
    return role;
  },
  transferReply: (core, role, message) => {
    onTransferReply(core, message);
    return role;
  },
  applied: (core, role, { index }) => {
    // Objects that start anew begin at the start of the log again.
    if (index > core.lastApplied) core.lastApplied = logIndex(index);
    return role;
  },
  codeVersionApplied: (core, role, { version }) => {
    if (version > core.codeVersion) core.codeVersion = version;
    return role;
  },
};
