package sqlstore

import (
	"context"
	"slices"

	"github.com/lethe-im/lethe/server"
	"github.com/lethe-im/lethe/wire"
)

// PutGroup makes a group or sets its name and who may join. One that was dissolved goes on in its log.
func (s *Store) PutGroup(ctx context.Context, app, groupID, name string, open bool) (changed []string, err error) {
	if err := wire.CheckIdentifier(groupID); err != nil {
		return nil, err
	}
	c := wire.Conversation{Kind: wire.GroupKind, Target: groupID}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		l, ok, err := lockLog(ctx, tx, server.Who{App: app}, c)
		if err != nil {
			return err
		}
		if !ok {
			if l, err = makeLog(ctx, tx, server.Who{App: app}, c, name); err != nil {
				return err
			}
		}
		if err := tx.exec(ctx, `UPDATE logs SET open = ?, closed = 0 WHERE app = ? AND log = ?`, flag(open), app, l.id); err != nil {
			return err
		}
		if l.title == name {
			return nil
		}
		changed, err = rename(ctx, tx, l, name)
		return err
	})
	return changed, err
}

// rename gives a group another name and tells every present member by its span.
func rename(ctx context.Context, tx *transaction, l log, name string) (members []string, err error) {
	if err := tx.exec(ctx, `UPDATE logs SET title = ? WHERE app = ? AND log = ?`, name, l.app, l.id); err != nil {
		return nil, err
	}
	if members, err = membersOf(ctx, tx, l); err != nil {
		return nil, err
	}
	for _, member := range members {
		own := change{who: server.Who{App: l.app, User: member}}
		n, err := own.take(ctx, tx)
		if err != nil {
			return nil, err
		}
		if err := tx.exec(ctx, `UPDATE spans SET n = ? WHERE app = ? AND uid = ? AND log = ? AND gone = 0`,
			n, l.app, member, l.id); err != nil {
			return nil, err
		}
	}
	return members, nil
}

// membersOf returns the users who are in the group now, by rising userID.
func membersOf(ctx context.Context, tx *transaction, l log) (members []string, err error) {
	err = each(ctx, tx, `SELECT uid FROM spans WHERE app = ? AND log = ? AND gone = 0 ORDER BY uid`, []any{l.app, l.id},
		func(scan func(...any) error) error {
			var member string
			err := scan(&member)
			members = append(members, member)
			return err
		})
	return members, err
}

// Dissolve ends every stay in a group.
func (s *Store) Dissolve(ctx context.Context, app, groupID string) (changed []string, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		l, ok, err := lockLog(ctx, tx, server.Who{App: app}, wire.Conversation{Kind: wire.GroupKind, Target: groupID})
		if err == nil && !ok {
			err = wire.Errorf(wire.GroupNotFound, "no group %q", groupID)
		}
		if err != nil {
			return err
		}
		if changed, err = membersOf(ctx, tx, l); err != nil {
			return err
		}
		for _, member := range changed {
			if err := closeSpan(ctx, tx, l, member); err != nil {
				return err
			}
		}
		err = tx.exec(ctx, `UPDATE logs SET closed = 1 WHERE app = ? AND log = ?`, app, l.id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// lockGroup finds and holds the log of a group that is not dissolved. Errors: GroupNotFound.
func lockGroup(ctx context.Context, tx *transaction, app, groupID string) (log, error) {
	l, ok, err := lockLog(ctx, tx, server.Who{App: app}, wire.Conversation{Kind: wire.GroupKind, Target: groupID})
	if err == nil {
		err = isGroup(l, ok, groupID)
	}
	return l, err
}

// isGroup refuses a group that is not there or is dissolved. Errors: GroupNotFound.
func isGroup(l log, ok bool, groupID string) error {
	if !ok || bool(l.closed) {
		return wire.Errorf(wire.GroupNotFound, "no group %q", groupID)
	}
	return nil
}

// notMember refuses whoever has no open stay in a group. Who never was in it is told what one is told of a group that does
// not exist: the names of groups are nobody else's business. Errors: PermissionDenied, GroupNotFound.
func notMember(ctx context.Context, tx *transaction, l log, user string, c wire.Conversation) error {
	var spans []span
	var conversation string
	switch err := tx.ask(ctx, askSpans(l, user, &spans, &conversation)); {
	case err != nil:
		return err
	case len(spans) == 0:
		return wire.Errorf(wire.GroupNotFound, "no group %q", c.Target)
	default:
		return wire.Errorf(wire.PermissionDenied, "not a member of the group any more")
	}
}

// Members adds and removes members of a group.
func (s *Store) Members(ctx context.Context, app, groupID string, add, remove []string) (changed []string, id uint64, err error) {
	for _, user := range slices.Concat(add, remove) {
		if err := wire.CheckIdentifier(user); err != nil {
			return nil, 0, err
		}
	}
	for _, user := range add {
		if slices.Contains(remove, user) {
			return nil, 0, wire.Errorf(wire.ParameterInvalid, "%q is both added and removed", user)
		}
	}
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		l, err := lockGroup(ctx, tx, app, groupID)
		if err != nil {
			return err
		}
		id = l.id
		changed, err = setMembers(ctx, tx, l, wire.Conversation{Kind: wire.GroupKind, Target: groupID}, add, remove)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return changed, id, nil
}

// setMembers opens and closes stays, by rising userID, so that two calls never wait for each other's user rows crosswise.
func setMembers(ctx context.Context, tx *transaction, l log, c wire.Conversation, add, remove []string) (changed []string, err error) {
	for _, user := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(add, remove)))) {
		member, err := isMember(ctx, tx, l, user)
		if err != nil {
			return nil, err
		}
		if wanted := !slices.Contains(remove, user); wanted == member {
			continue
		} else if wanted {
			err = openSpan(ctx, tx, l, user, c)
		} else {
			err = closeSpan(ctx, tx, l, user)
		}
		if err != nil {
			return nil, err
		}
		changed = append(changed, user)
	}
	return changed, nil
}
