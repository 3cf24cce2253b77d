package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podapi "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install" // into the scheme, as the API server does it
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	autoscalingvalidation "k8s.io/kubernetes/pkg/apis/autoscaling/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
)

// validate asks what the API server would have against each object, and what it
// would warn of.
func (b *bundle) validate(ctx context.Context) error {
	var all []error
	for _, o := range b.objects {
		problems, warnings, err := refusals(ctx, o.internal)
		if err != nil {
			all = append(all, fmt.Errorf("%s: %w", o.id, err))
		}
		problems = append(problems, legacyscheme.Scheme.Validate(ctx, gates(), o.written)...)
		for _, p := range problems {
			all = append(all, fmt.Errorf("%s: %w", o.id, p))
		}
		for _, w := range warnings {
			all = append(all, fmt.Errorf("%s: warning: %s", o.id, w))
		}
	}
	return errors.Join(all...)
}

// gates are the features that generated validation asks about, as they are by
// default. One that is missing here shows itself as an internal error.
func gates() map[string]bool {
	return map[string]bool{"WorkloadWithJob": false, "HPAScaleToZero": false}
}

// refusals are what the API server's own code has against an object.
func refusals(ctx context.Context, internal runtime.Object) (field.ErrorList, []string, error) {
	switch o := internal.(type) {
	case *batch.CronJob:
		template := &o.Spec.JobTemplate.Spec.Template
		opts := podapi.GetValidationOptionsFromPodTemplate(template, nil)
		return batchvalidation.ValidateCronJobCreate(o, opts), warnings(ctx, template), nil
	case *apps.Deployment:
		opts := podapi.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)
		return appsvalidation.ValidateDeployment(o, opts), warnings(ctx, &o.Spec.Template), nil
	case *core.Service:
		return corevalidation.ValidateServiceCreate(withAddress(o)), nil, nil
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o), nil, nil
	case *core.ServiceAccount:
		return corevalidation.ValidateServiceAccount(o), nil, nil
	case *core.Namespace:
		return corevalidation.ValidateNamespace(o), nil, nil
	case *autoscaling.HorizontalPodAutoscaler:
		opts := autoscalingvalidation.HorizontalPodAutoscalerSpecValidationOptions{MinReplicasLowerBound: 1}
		return autoscalingvalidation.ValidateHorizontalPodAutoscaler(o, opts), nil, nil
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(o, policyvalidation.PodDisruptionBudgetValidationOptions{}), nil, nil
	case *networking.NetworkPolicy:
		opts := networkingvalidation.ValidationOptionsForNetworking(o, nil)
		return networkingvalidation.ValidateNetworkPolicy(o, opts), nil, nil
	}
	return nil, nil, fmt.Errorf("nothing here knows how to validate a %T", internal)
}

// withAddress is a Service with what the API server adds before it validates.
func withAddress(s *core.Service) *core.Service {
	s = s.DeepCopy()
	single := core.IPFamilyPolicySingleStack
	s.Spec.IPFamilyPolicy = &single
	s.Spec.IPFamilies = []core.IPFamily{core.IPv4Protocol}
	s.Spec.ClusterIPs = []string{"10.0.0.1"}
	s.Spec.ClusterIP = "10.0.0.1"
	return s
}

func warnings(ctx context.Context, t *core.PodTemplateSpec) []string {
	var kept []string
	for _, w := range podapi.GetWarningsForPodTemplate(ctx, field.NewPath("template"), t, nil) {
		// The build names no tag where the user is to name the image.
		if !strings.Contains(w, "image") {
			kept = append(kept, w)
		}
	}
	return kept
}
