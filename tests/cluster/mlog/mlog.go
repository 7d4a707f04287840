// Package mlog has as much of monis.app/mlog as the workload identity webhook and the Secrets Store CSI driver call.
// Lines look otherwise than those of the original; nothing else of the two programs depends on it.
package mlog

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// LogLevel is how much is logged; LogFormat, in what shape: here always as text.
type (
	LogLevel  string
	LogFormat string
)

// LogSpec is what a program asks for when it starts.
type LogSpec struct {
	Level  LogLevel
	Format LogFormat
}

// The levels and formats that the programs name.
const (
	LevelWarning LogLevel = ""
	LevelInfo    LogLevel = "info"
	LevelDebug   LogLevel = "debug"
	LevelTrace   LogLevel = "trace"
	LevelAll     LogLevel = "all"

	FormatJSON LogFormat = "json"
	FormatText LogFormat = "text"
)

var (
	levels = map[LogLevel]slog.Level{
		LevelWarning: slog.LevelWarn, LevelInfo: slog.LevelInfo, LevelDebug: slog.LevelDebug, LevelTrace: -8, LevelAll: -12,
	}
	level = new(slog.LevelVar)
	root  = Logger{slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))}
)

// Logger says who speaks, and of what.
type Logger struct{ *slog.Logger }

// New is the logger that all others come from.
func New() Logger { return root }

// WithName adds who speaks.
func (l Logger) WithName(name string) Logger { return l.WithValues("logger", name) }

// WithValues adds what is spoken of.
func (l Logger) WithValues(pairs ...any) Logger { return Logger{l.With(pairs...)} }

// Error hides the one of slog, which takes no error of its own.
func (l Logger) Error(message string, err error, pairs ...any) {
	l.WithValues("err", err).Logger.Error(message, pairs...)
}

// Error logs a failure that the program lives on with, or that it returns itself.
func Error(message string, err error, pairs ...any) { root.Error(message, err, pairs...) }

// Fatal ends the program.
func Fatal(err error) {
	root.Error("fatal", err)
	os.Exit(1)
}

// Setup would flush the log at the end; a line here is written at once.
func Setup() func() { return func() {} }

// Logr is the logger as controller-runtime wants it.
func Logr() logr.Logger { return logr.FromSlogHandler(root.Handler()) }

// Enabled says whether lines of a level are written.
func Enabled(of LogLevel) bool { return root.Logger.Enabled(context.Background(), levels[of]) }

// ValidateAndSetLogLevelAndFormatGlobally takes the level for all loggers.
func ValidateAndSetLogLevelAndFormatGlobally(_ context.Context, spec LogSpec) error {
	chosen, known := levels[spec.Level]
	if !known {
		return fmt.Errorf("unknown log level %q", spec.Level)
	}
	level.Set(chosen)
	return nil
}

// ValidateAndSetKlogLevelAndFormatGlobally has nothing to do: klog has its level from the command line already.
func ValidateAndSetKlogLevelAndFormatGlobally(context.Context, klog.Level, LogFormat) error {
	return nil
}
