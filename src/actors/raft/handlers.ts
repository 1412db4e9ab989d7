/**
 * What a role is made of: a handler for every message there is. The type is total, so that a message somebody forgot
 * does not compile.
 */

import type { MessageOf, MessageType } from './messages.js';
import type { Core, Role } from './state.js';

/** Handles one message in one role: changes the core, adds effects, and returns the role that follows. */
export type Handler<In extends Role, Type extends MessageType> = (
  core: Core,
  role: In,
  message: MessageOf<Type>,
) => Role;

export type Handlers<In extends Role> = { readonly [Type in MessageType]: Handler<In, Type> };

/** For messages that mean nothing in a role: answers that come too late, mostly. */
export const ignore = (_core: Core, role: Role): Role => role;
