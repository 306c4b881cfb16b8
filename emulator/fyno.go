package emulator

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// fynoTime is how Fyno prints a moment: 2023-04-21T06:34:01.386Z.
const fynoTime = "2006-01-02T15:04:05.000Z07:00"

// fyno is the emulated Fyno workspace. Its live and test versions share nothing but the suppression
// list, whose path has no version. Refusals are worded as in the service's reference, because a
// client has only the words to go by.
type fyno struct {
	operations map[string]func(*call) reply

	mu           sync.Mutex // guards everything below; one operation at a time
	random       *rand.Rand
	topics       []Topic
	events       []string // the notification events that there are; nil for any
	versions     map[string]*fynoVersion
	suppressions []fynoSuppression
	sent         []Message
}

// fynoVersion is what lives in one version of the workspace.
type fynoVersion struct {
	name     string // live or test
	profiles map[string]*fynoProfile
	// kinds holds every property that was ever set: the first value types the property for all
	// users of the workspace.
	kinds    map[string]propertyKind
	otps     map[string]*otp // by request id, and by destination the latest one sent there
	replayed fynoReplays
}

func newFyno(o *options) *fyno {
	seed, topics := o.fyno.seed, o.fyno.topics
	if seed == 0 {
		seed = 1
	}
	if topics == nil {
		topics = defaultTopics()
	}
	f := &fyno{
		random:   rand.New(rand.NewPCG(seed, 0)),
		topics:   topics,
		events:   o.fyno.events,
		versions: map[string]*fynoVersion{"live": newFynoVersion("live"), "test": newFynoVersion("test")},
	}
	f.operations = map[string]func(*call) reply{
		"fireEvent":            f.onceAKey(withBody(f, f.fireEvent)),
		"fireEventBulk":        f.onceAKey(withBody(f, f.fireEventBulk)),
		"createProfile":        withBody(f, f.createProfile),
		"getProfile":           f.getProfile,
		"updateProfile":        withBody(f, f.updateProfile),
		"mergeProfiles":        f.mergeProfiles,
		"deleteProfiles":       withBody(f, f.deleteProfiles),
		"updateChannels":       withBody(f, f.updateChannels),
		"deleteChannels":       withBody(f, f.deleteChannels),
		"getPreferences":       f.getPreferences,
		"updatePreferences":    withBody(f, f.updatePreferences),
		"updatePreference":     withBody(f, f.updatePreference),
		"validateOTP":          f.validateOTP,
		"setProperties":        withBody(f, f.changeProperties),
		"setPropertiesOnce":    withBody(f, f.changeProperties),
		"addToProperties":      withBody(f, f.changeProperties),
		"appendToProperties":   withBody(f, f.changeProperties),
		"removeFromProperties": withBody(f, f.changeProperties),
		"unsetProperties":      withBody(f, f.changeProperties),
		"batchProperties":      withBody(f, f.batchProperties),
		"listSuppressions":     f.listSuppressions,
		"addSuppression":       withBody(f, f.addSuppression),
		"deleteSuppression":    f.deleteSuppression,
	}
	return f
}

func newFynoVersion(name string) *fynoVersion {
	return &fynoVersion{
		name:     name,
		profiles: map[string]*fynoProfile{},
		kinds:    map[string]propertyKind{},
		otps:     map[string]*otp{},
		replayed: fynoReplays{answers: map[string]reply{}},
	}
}

// authorize wants the workspace's key and, in the path, the workspace itself: Fyno refuses either
// with the same words.
func (f *fyno) authorize(r *http.Request, _ string) (string, *reply) {
	key, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if r.PathValue("WSID") != FynoWorkspace || !isBearer || key != FynoKey {
		return "", new(fynoRefusal(http.StatusUnauthorized, fynoBadCredentials))
	}
	return FynoWorkspace, nil
}

func (f *fyno) invalid(operation string, v violation) reply {
	return fynoBad(fynoViolation(operation, v))
}

func (f *fyno) refusal(status int, message string) reply {
	return fynoRefusal(status, message)
}

func (f *fyno) handle(c *call) reply {
	operation, ok := f.operations[c.operation]
	if !ok {
		return f.refusal(http.StatusNotFound, "no operation "+c.operation)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return operation(c)
}

// version is the version of the workspace that the call is for.
func (f *fyno) version(c *call) *fynoVersion {
	return f.versions[c.path["version"]]
}

// uuid draws an id such as Fyno gives to requests.
func (f *fyno) uuid() string {
	high, low := f.random.Uint64(), f.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", high>>32, high>>16&0xffff, high&0xfff, low>>48&0x3fff|0x8000, low&0xffffffffffff)
}

// objectID draws an id such as Fyno gives to what it stores.
func (f *fyno) objectID() string {
	return fmt.Sprintf("%08x%016x", f.random.Uint32(), f.random.Uint64())
}

// fynoStatus is the body of every answer that only says done or refused.
type fynoStatus struct {
	Message string `json:"_message"`
	Status  string `json:"status"`
}

func fynoDone(status int, format string, args ...any) reply {
	return reply{status: status, body: fynoStatus{Message: fmt.Sprintf(format, args...), Status: "ok"}}
}

func fynoMoment(t time.Time) string { return t.UTC().Format(fynoTime) }
