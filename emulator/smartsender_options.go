package emulator

// smartSenderOptions are the settings of the emulated SmartSender project.
type smartSenderOptions struct {
	quota int // requests per minute; 0 is no limit
}

// WithSmartSenderQuota limits the project to so many requests per minute, as the real service does
// with 180: the first request over it locks the project for 60 s, each further one for 60 s more,
// 720 s at most. 0, the default, is no limit.
func WithSmartSenderQuota(perMinute int) Option {
	return func(o *options) { o.smartSender.quota = max(perMinute, 0) }
}
