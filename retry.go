package playline

import "time"

// RetryPolicy bounds the attempts of one call and the pauses between them. Which failures are repeated at all is decided by
// the operation's class, see the package's comment.
type RetryPolicy struct {
	// MaxAttempts counts the first one too; 1 means no retries. Default 4.
	MaxAttempts int
	// BaseDelay is what the first pause is drawn up to; it doubles with each attempt. Default 500 ms.
	BaseDelay time.Duration
	// MaxDelay is the longest pause that is drawn. Default 10 s.
	MaxDelay time.Duration
	// MaxRetryAfter is the longest Retry-After that is obeyed; a longer one is cut to it. Default 1 minute, for SmartSender
	// 12 minutes, because its locks last that long and grow when they are ignored.
	MaxRetryAfter time.Duration
	// AttemptTimeout is how long one attempt may take, its answer's body included. Default 30 s.
	AttemptTimeout time.Duration
}

var defaultRetry = RetryPolicy{MaxAttempts: 4, BaseDelay: 500 * time.Millisecond, MaxDelay: 10 * time.Second, AttemptTimeout: 30 * time.Second}

// over returns p with the fields at zero taken from base.
func (p RetryPolicy) over(base RetryPolicy) RetryPolicy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = base.MaxAttempts
	}
	for _, d := range []struct{ p, base *time.Duration }{
		{&p.BaseDelay, &base.BaseDelay},
		{&p.MaxDelay, &base.MaxDelay},
		{&p.MaxRetryAfter, &base.MaxRetryAfter},
		{&p.AttemptTimeout, &base.AttemptTimeout},
	} {
		if *d.p == 0 {
			*d.p = *d.base
		}
	}
	return p
}

func (p RetryPolicy) validate() error {
	if p.MaxAttempts < 0 {
		return &ValidationError{"RetryPolicy.MaxAttempts", "must not be negative"}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"BaseDelay", p.BaseDelay},
		{"MaxDelay", p.MaxDelay},
		{"MaxRetryAfter", p.MaxRetryAfter},
		{"AttemptTimeout", p.AttemptTimeout},
	} {
		if d.value < 0 {
			return &ValidationError{"RetryPolicy." + d.name, "must not be negative"}
		}
	}
	return nil
}
